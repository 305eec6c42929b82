"""What a crowd asks of the gateway: a storm that breaks things, and a queue that wants it all."""

import asyncio
import json
import random
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.budget_crowd import Crowd, Figures, crowd, figures_of
from tests.e2e.gateway_stage import TOKEN

CALLS = 1_000


@dataclass
class Ask:
    """One request of the crowd. hang_up_after: bytes of the answer, None = never."""

    body: bytes
    hang_up_after: int | None = None


def asks(chance: random.Random, count: int) -> list[Ask]:
    """Return streams, whole answers and slow ones; a quarter will be hung up on."""
    made = []
    for _ in range(count):
        slow = chance.random() < 0.2
        script = {"tokens": chance.randint(1, 40), "pause": 0.15 if slow else 0.02, "ratio": 0.4}
        text = json.dumps(script) + " " * chance.randint(0, 400)
        body: dict[str, Any] = {"model": "main", "messages": [{"role": "user", "content": text}]}
        body["stream"] = chance.random() < 0.6
        if chance.random() < 0.9:
            body["max_tokens"] = chance.randint(20, 100)
        hang_up = chance.randint(0, 4_000) if chance.random() < 0.25 else None
        made.append(Ask(json.dumps(body).encode(), hang_up))
    return made


async def send(port: int, ask: Ask) -> str:
    """Make one call on a connection of its own; return how it ended."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return "worker gone"
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(ask.body)}\r\n"
        "connection: close\r\n\r\n"
    )
    try:
        async with asyncio.timeout(120):
            writer.write(head.encode() + ask.body)
            return await _heard(reader, ask.hang_up_after)
    except OSError:
        return "worker gone"
    finally:
        writer.transport.abort()


async def _heard(reader: asyncio.StreamReader, hang_up_after: int | None) -> str:
    """Read the answer, or the beginning of it."""
    answer = b""
    while hang_up_after is None or len(answer) < hang_up_after:
        most = 65_536 if hang_up_after is None else hang_up_after - len(answer)
        part = await reader.read(most)
        if not part:
            status = answer[9:12].decode()
            return status or "worker gone"
        answer += part
    return "hung up"


async def storm(crowd: Crowd, seed: int) -> Counter[str]:
    """Make all calls at once, while workers and control are killed."""
    chance = random.Random(seed)
    watching = asyncio.ensure_future(crowd.watch())
    calls = []
    for ask in asks(chance, CALLS):
        calls.append(asyncio.ensure_future(send(crowd.gateway.port, ask)))
        await asyncio.sleep(0.002)
    for number in range(3):
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        if number < 2:
            await crowd.gateway.stop_worker(number, signal.SIGKILL)
            await crowd.gateway.start_worker()
        await crowd.control.kill_and_restart(chance.uniform(0.1, 1.0))
    ends = Counter(await asyncio.gather(*calls))
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return ends


PROMPT_TOKENS, ANSWER_TOKENS = 500, 300
ONE = PROMPT_TOKENS + ANSWER_TOKENS
"""What each request of a queue is billed; it may cost more: 2,000 bytes and a cap of 400."""


async def queue(crowd: Crowd, at_once: int, count: int) -> Counter[str]:
    """Make like requests, `at_once` at a time, until nothing more fits."""
    script = {"tokens": ANSWER_TOKENS, "input": PROMPT_TOKENS}
    text = json.dumps(script).ljust(2_000)
    messages = [{"role": "user", "content": text}]
    body = json.dumps({"model": "main", "messages": messages, "max_tokens": 400}).encode()
    free = asyncio.Semaphore(at_once)

    async def one() -> str:
        async with free:
            return await send(crowd.gateway.port, Ask(body))

    watching = asyncio.ensure_future(crowd.watch())
    ends = Counter(await asyncio.gather(*(one() for _ in range(count))))
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return ends


async def give_up_early(crowd: Crowd, count: int) -> None:
    """Ask for long whole answers and go before they are there; the vendor does not care."""
    script = json.dumps({"tokens": 800, "pause": 0.001})
    messages = [{"role": "user", "content": script}]
    body = json.dumps({"model": "main", "messages": messages, "max_tokens": 800}).encode()

    async def one() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await send(crowd.gateway.port, Ask(body))

    await asyncio.gather(*(one() for _ in range(count)))
    for _ in range(600):
        await asyncio.sleep(0.1)
        if not crowd.vendor.running:
            return


async def run_storm(data: Path, place: str, limit: int, seed: int, name: str) -> Figures:
    """Start all, make the storm, drain, count."""
    async with crowd(data, place, limit, wait_seconds=10.0) as made:
        ends = await storm(made, seed)
        await made.drain()
        return figures_of(made, name, ends)


async def run_queue(data: Path, place: str, at_once: int, name: str) -> Figures:
    """The same for a queue of equal requests and a limit worth a hundred of them."""
    async with crowd(data, place, 100 * ONE, wait_seconds=30.0) as made:
        ends = await queue(made, at_once, 110 if at_once == 1 else 192)
        await made.drain()
        return figures_of(made, name, ends)
