"""A real worker and a vendor that counts: what fits once counted is served, and charged exactly."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.e2e.gateway_stage import AGENT, KEY, METRICS_TOKEN, TOKEN, Stage, Vendor, stage
from tests.e2e.raw_vendor import Play, RawVendor, ask, json_answer, request

from pai.gateway.count_limits import AT_ONCE, BURST, PER_SECOND
from pai.ir.agent import Limits
from pai.ir.snapshot import GatewaySnapshot

TEXT = "word " * 1_600  # 8,000 bytes
MESSAGES, COUNT = "/v1/messages", "/v1/messages/count_tokens"
FLASH = "/v1beta/models/flash:generateContent"
BODY = json.dumps(
    {"model": "claude", "max_tokens": 100, "messages": [{"role": "user", "content": TEXT}]}
).encode()
GEMINI_BODY = json.dumps(
    {
        "contents": [{"role": "user", "parts": [{"text": TEXT}]}],
        "generationConfig": {"maxOutputTokens": 100},
    }
).encode()
ANSWER = json_answer(
    json.dumps(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [{"type": "text", "text": "hi"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1_005, "output_tokens": 7},
        }
    ).encode()
)


def counted(tokens: object) -> Play:
    return json_answer(json.dumps({"input_tokens": tokens}).encode())


async def redirect(writer: asyncio.StreamWriter) -> None:
    """Lead somewhere else, as a vendor should not."""
    writer.write(b"HTTP/1.1 307 x\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
    await writer.drain()


async def silence(writer: asyncio.StreamWriter) -> None:
    """Say nothing for longer than anybody waits."""
    await asyncio.sleep(30)


class CountingVendor(RawVendor):
    """plays: answers by path, `play` for all others. heads: what was asked, and how."""

    def __init__(self) -> None:
        super().__init__()
        self.plays: dict[str, Play] = {}
        self.heads: list[str] = []
        self.running: Counter[str] = Counter()
        self.most_running: Counter[str] = Counter()

    @property
    def paths(self) -> list[str]:
        return [head.split(" ")[1] for head in self.heads]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
            self.bodies.append(await reader.readexactly(int(length or 0)))
            self.heads.append(head)
            path = self.paths[-1]
            self.running[path] += 1
            self.most_running[path] = max(self.most_running[path], self.running[path])
            try:
                await self.plays.get(path, self.play)(writer)
            finally:
                self.running[path] -= 1


@asynccontextmanager
async def world_of(path: Path, vendor: CountingVendor, limits: Limits) -> AsyncIterator[Stage]:
    """Return a stage whose one agent has these limits."""

    def made(main: Vendor) -> GatewaySnapshot:
        ready = vendor.snapshot(main)
        agents = tuple(msgspec.structs.replace(each, limits=limits) for each in ready.agents)
        return msgspec.structs.replace(
            ready, agents=agents, wait_for_budget_seconds=5.0, uncounted_input="refuse"
        )

    async with stage(path, made) as world:
        yield world


@pytest.fixture
async def vendor() -> AsyncIterator[CountingVendor]:
    made = CountingVendor()
    server = await made.start()
    made.play = ANSWER
    made.plays[COUNT] = counted(1_000)
    yield made
    server.close()
    await made.stop()


async def charged(world: Stage) -> int:
    """Have the worker settle and end; return what the agent was charged in all."""
    assert await world.stop_worker(0) == 0
    assert "Traceback" not in world.logs()
    assert KEY not in world.logs()
    return world.control.ledger.balance(AGENT, world.control.now()).charged


async def figures(world: Stage) -> dict[str, int]:
    """Return how many counts ended how."""
    async with httpx.AsyncClient() as http:
        url = f"http://127.0.0.1:{world.port}/metrics"
        text = (await http.get(url, headers={"authorization": f"Bearer {METRICS_TOKEN}"})).text
    found = re.findall(r'^pai_gateway_counts_total{.*result="(\w+)"} (\d+)$', text, re.MULTILINE)
    return {result: int(count) for result, count in found}


async def test_what_fits_once_counted_is_served_and_charged_exactly(
    tmp_path: Path, vendor: CountingVendor
) -> None:
    async with world_of(tmp_path, vendor, Limits(5_000, None)) as world:
        status, answer = await ask(world, request(MESSAGES, BODY))
        assert status == 200, answer
        assert b"x-pai-max-tokens: 100" in answer.lower()
        assert vendor.paths == [COUNT, MESSAGES]
        assert all(f"x-api-key: {KEY}" in head.lower() for head in vendor.heads)
        assert not any(TOKEN in head for head in vendor.heads)
        count, sent = map(json.loads, vendor.bodies)
        assert count["messages"] == sent["messages"]
        assert await figures(world) == {"counted": 1}
        assert await charged(world) == 1_012


async def test_gemini_is_asked_in_its_own_words(tmp_path: Path, vendor: CountingVendor) -> None:
    path = "/v1beta/models/vendor-flash:countTokens"
    vendor.plays[path] = json_answer(b'{"totalTokens": 1000}')
    usage = {"promptTokenCount": 1_001, "candidatesTokenCount": 4, "totalTokenCount": 1_005}
    content = {"role": "model", "parts": [{"text": "hi"}]}
    said = {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}
    vendor.play = json_answer(json.dumps(said).encode())
    async with world_of(tmp_path, vendor, Limits(5_000, None)) as world:
        status, answer = await ask(world, request(FLASH, GEMINI_BODY))
        assert status == 200, answer
        assert vendor.paths == [path, "/v1beta/models/vendor-flash:generateContent"]
        assert await charged(world) == 1_005


async def test_what_does_not_fit_is_refused_with_the_exact_figure(
    tmp_path: Path, vendor: CountingVendor
) -> None:
    vendor.plays[COUNT] = counted(4_950)
    async with world_of(tmp_path, vendor, Limits(5_000, None)) as world:
        status, answer = await ask(world, request(MESSAGES, BODY))
        assert status == 429
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"x-should-retry: false" in head
        assert int(head.partition(b"retry-after: ")[2].partition(b"\r\n")[0]) > 5
        error = json.loads(body)["error"]
        assert error["type"] == "rate_limit_error"
        assert "counts 4950 tokens of input" in error["message"]
        assert vendor.paths == [COUNT]
        assert await charged(world) == 0


async def test_one_request_is_counted_before_it_is_too_large(
    tmp_path: Path, vendor: CountingVendor
) -> None:
    async with world_of(tmp_path, vendor, Limits(100_000, 2_000)) as world:
        status, answer = await ask(world, request(MESSAGES, BODY))
        assert status == 200, answer
        vendor.plays[COUNT] = counted(1_990)
        status, answer = await ask(world, request(MESSAGES, BODY))
        assert status == 400
        assert b"counts 1990 tokens of input" in answer
        assert vendor.paths == [COUNT, MESSAGES, COUNT]
        assert await charged(world) == 1_012


@pytest.mark.parametrize(
    ("play", "result"),
    [
        (counted(-1), "impossible"),
        (counted("1000"), "impossible"),
        (counted(0), "impossible"),
        (counted(10**9), "impossible"),
        (json_answer(b"x" * 200_000), "failed"),
        (json_answer(b'{"input_tokens": 1000}', 100), "failed"),
        (redirect, "failed"),
        (silence, "failed"),
    ],
    ids=["negative", "text", "nothing", "huge", "long", "cut", "redirect", "silence"],
)
async def test_a_counter_that_lies_or_fails_changes_nothing(
    tmp_path: Path, vendor: CountingVendor, play: Play, result: str
) -> None:
    vendor.plays[COUNT] = play
    async with world_of(tmp_path, vendor, Limits(5_000, None)) as world:
        async with asyncio.timeout(4.0):
            status, answer = await ask(world, request(MESSAGES, BODY))
        assert status == 429
        assert b"counts" not in answer
        assert vendor.paths == [COUNT]
        assert await figures(world) == {result: 1}
        assert "was not counted" in world.logs()
        vendor.plays[COUNT] = counted(1_000)
        assert (await ask(world, request(MESSAGES, BODY)))[0] == 200
        assert await charged(world) == 1_012


async def test_a_flood_that_does_not_fit_is_no_flood_of_counts(
    tmp_path: Path, vendor: CountingVendor
) -> None:
    vendor.plays[COUNT] = counted(4_950)
    async with world_of(tmp_path, vendor, Limits(5_000, None)) as world:
        began = asyncio.get_running_loop().time()
        ends = await asyncio.gather(*(ask(world, request(MESSAGES, BODY)) for _ in range(150)))
        seconds = asyncio.get_running_loop().time() - began
        assert {status for status, _ in ends} == {429}
        assert 0 < len(vendor.paths) <= BURST + PER_SECOND * seconds + 1
        assert vendor.most_running[COUNT] <= AT_ONCE
        found = await figures(world)
        assert found["counted"] == len(vendor.paths)
        assert found["limited"] == 150 - found["counted"]
        assert (
            sum(b"too many are being counted" in answer for _, answer in ends) == found["limited"]
        )
        assert await charged(world) == 0


async def test_nothing_could_fit_so_no_vendor_is_asked(
    tmp_path: Path, vendor: CountingVendor
) -> None:
    async with world_of(tmp_path, vendor, Limits(1_000, None)) as world:
        ends = await asyncio.gather(*(ask(world, request(MESSAGES, BODY)) for _ in range(50)))
        assert {status for status, _ in ends} == {429}
        assert vendor.paths == []
        assert await charged(world) == 0
