"""What happens when vendors fail, agents crowd, and the configuration changes under way."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import openai
import pytest
from tests.e2e.gateway_stage import TOKEN, Stage, Vendor, binding, snapshot, stage

from pai.gateway.breaker import FAILURES
from pai.ir.agent import Limits, Retry, Timeouts
from pai.ir.snapshot import GatewaySnapshot

ONCE = Retry(max_attempts=1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as running:
        yield running


def client_of(world: Stage) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=TOKEN, base_url=world.url, max_retries=0)


def say(**script: object) -> Any:
    return [{"role": "user", "content": json.dumps(script)}]


def change(world: Stage, **changes: Any) -> None:
    """Give the workers a new snapshot."""
    now = world.control.snapshot
    world.control.snapshot = msgspec.structs.replace(now, version=now.version + 1, **changes)


def with_binding(**changes: Any) -> Any:
    def made(vendor: Vendor) -> GatewaySnapshot:
        return snapshot(vendor, bindings=(binding(vendor, **changes),))

    return made


async def until(what: Any, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not await what():
            await asyncio.sleep(0.05)


async def test_a_deleted_agents_streams_are_cut_and_others_go_on(world: Stage) -> None:
    agents = world.control.snapshot.agents
    other = msgspec.structs.replace(agents[0], id="ns/other", token_sha256="0" * 64)
    change(world, agents=(*agents, other))
    async with client_of(world) as client:
        stream = await client.chat.completions.create(
            model="main", messages=say(tokens=2000, pause=0.05), max_tokens=2000, stream=True
        )
        seen = 0
        with pytest.raises((httpx.TransportError, openai.APIConnectionError)):
            async for _ in stream:
                seen += 1
                if seen == 3:
                    change(world, agents=(other,))
        assert seen < 60
        with pytest.raises(openai.AuthenticationError):
            await client.models.list()

    async def idle() -> bool:
        return world.vendor.running == 0

    await until(idle)
    await world.stop_worker(0)
    charged = world.control.ledger.balance("agent:ns/agent", world.control.now()).charged
    assert charged >= world.vendor.billed.total() > 0


async def test_a_new_model_is_there_within_a_second_and_no_request_is_lost(world: Stage) -> None:
    agents, bindings = world.control.snapshot.agents, world.control.snapshot.bindings
    done = asyncio.Event()

    async def work(client: openai.AsyncOpenAI) -> int:
        count = 0
        while not done.is_set():
            await client.chat.completions.create(model="main", messages=say(tokens=2))
            count += 1
        return count

    async with client_of(world) as client:
        workers = [asyncio.ensure_future(work(client)) for _ in range(4)]
        await asyncio.sleep(0.3)
        second = binding(world.vendor, "second")
        agent = msgspec.structs.replace(agents[0], bindings=("ns/main", "ns/second"))
        change(world, agents=(agent,), bindings=(*bindings, second))
        started = time.monotonic()

        async def listed() -> bool:
            return "second" in [each.id for each in (await client.models.list()).data]

        await until(listed)
        took = time.monotonic() - started
        done.set()
        assert min(await asyncio.gather(*workers)) > 0
    print(f"a new binding was served after {took:.2f} s")


async def test_a_vendor_that_keeps_failing_is_left_alone_and_tried_again(tmp_path: Path) -> None:
    def two(vendor: Vendor) -> GatewaySnapshot:
        first = binding(vendor, retry=ONCE, fallback=True)
        return snapshot(vendor, bindings=(first, binding(vendor, "second")))

    async with stage(tmp_path, two) as world, client_of(world) as client:
        for _ in range(FAILURES):
            world.vendor.failures = [(500, {})]
            raw = await client.chat.completions.with_raw_response.create(
                model="main", messages=say(tokens=2)
            )
            assert raw.headers["x-pai-model"] == "second"
        before = len(world.vendor.requests)
        raw = await client.chat.completions.with_raw_response.create(
            model="main", messages=say(tokens=2)
        )
        assert raw.headers["x-pai-model"] == "second"
        asked = [each["model"] for each in world.vendor.requests[before:]]
        assert asked == ["vendor-second"], "the failing one was not asked"

        async def back() -> bool:
            raw = await client.chat.completions.with_raw_response.create(
                model="main", messages=say(tokens=2)
            )
            return raw.headers["x-pai-model"] == "main"

        await until(back, 15.0)


async def test_a_vendor_that_is_left_alone_is_said_to_be_when_there_is_no_other(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, with_binding(retry=ONCE)) as world, client_of(world) as client:
        world.vendor.failures = [(503, {})] * FAILURES
        for _ in range(FAILURES):
            with pytest.raises(openai.InternalServerError):
                await client.chat.completions.create(model="main", messages=say())
        before = len(world.vendor.requests)
        with pytest.raises(openai.InternalServerError, match="keeps failing") as caught:
            await client.chat.completions.create(model="main", messages=say())
        assert 1 <= int(caught.value.response.headers["retry-after"]) <= 5
        assert len(world.vendor.requests) == before
        await world.stop_worker(0)
        charged = world.control.ledger.balance("agent:ns/agent", world.control.now()).charged
        assert charged == 0


async def test_a_limit_of_requests_at_once_makes_the_others_wait(tmp_path: Path) -> None:
    limits = Limits(10**9, None, 2)
    async with stage(tmp_path, with_binding(limits=limits)) as world, client_of(world) as client:
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, world.vendor.running)
                await asyncio.sleep(0.005)

        watching = asyncio.ensure_future(watch())
        answers = await asyncio.gather(
            *(
                client.chat.completions.create(
                    model="main", messages=say(tokens=5, pause=0.02), max_tokens=10
                )
                for _ in range(10)
            )
        )
        watching.cancel()
        assert len(answers) == 10
        assert most == 2


async def test_who_waits_too_long_is_told_to_come_back(tmp_path: Path) -> None:
    def made(vendor: Vendor) -> GatewaySnapshot:
        one = Limits(1_000_000, 200_000, 1)
        return snapshot(vendor, agent_limits=one, wait_seconds=0.3)

    async with stage(tmp_path, made) as world, client_of(world) as client:
        long = asyncio.ensure_future(
            client.chat.completions.create(
                model="main", messages=say(tokens=40, pause=0.05), max_tokens=50
            )
        )

        async def under_way() -> bool:
            return world.vendor.running == 1

        await until(under_way)
        with pytest.raises(openai.RateLimitError, match="as many requests") as caught:
            await client.chat.completions.create(model="main", messages=say())
        assert int(caught.value.response.headers["retry-after"]) >= 1
        assert (await long).choices


async def test_a_vendor_that_is_too_slow_is_given_up_and_charged(tmp_path: Path) -> None:
    timeouts = Timeouts(first_byte_seconds=0.5)
    made = with_binding(retry=ONCE, timeouts=timeouts)
    async with stage(tmp_path, made) as world, client_of(world) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(
                model="main", messages=say(tokens=50, pause=0.2), max_tokens=50
            )
        assert caught.value.status_code == 504
        assert caught.value.code == "upstream_timeout"
        billed = world.vendor.billed.total()
        await world.stop_worker(0)
        charged = world.control.ledger.balance("agent:ns/agent", world.control.now()).charged
        assert charged >= billed > 0
