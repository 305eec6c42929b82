"""Counting where the safe bound does not fit: real desks and ledgers, a vendor without network.

Attacks first: what an agent, or a counter that lies, could make of it.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
from tests.fakes.counting_vendor import CountingVendor
from tests.fakes.exchange import exchange_with
from tests.unit.gateway.test_desk import Line
from tests.unit.gateway.test_routes import TOKEN, binding, table

from pai.budget.book import Reservation
from pai.budget.estimate import LearnedRatio
from pai.budget.fit import Ask
from pai.budget.line import Refusal
from pai.dialect.anthropic import MESSAGES_CLIENT
from pai.dialect.gemini import GENERATE_CLIENT
from pai.dialect.openai import CHAT_CLIENT
from pai.dialect.refused import Refused
from pai.dialect.responses import RESPONSES_CLIENT
from pai.dialect.sides import Call, ClientSide
from pai.gateway import exact_count
from pai.gateway.asked import Asked
from pai.gateway.count_limits import (
    AT_ONCE,
    BURST,
    COUNTED,
    FAILED,
    IMPOSSIBLE,
    LACKING,
    LIMITED,
    REFUSED,
)
from pai.gateway.desk import Desk, Turned
from pai.gateway.exact_count import margin, reserve
from pai.gateway.job import Job
from pai.gateway.refusal import Failure
from pai.gateway.routes import Route
from pai.gateway.verdicts import turned_away
from pai.ir.agent import Limits, Timeouts
from pai.ir.snapshot import GatewayBinding
from pai.wire.errors import ClientGone, UpstreamError
from pai.wire.feed import ControlLink
from pai.wire.message import Headers

AGENT = "agent:ns/a"
TEXT = "word " * 1_600  # 8,000 bytes
CAP = 500
CLAUDE = binding(
    "claude",
    provider="anthropic",
    model="claude-sonnet-4-5",
    endpoint="https://api.anthropic.com",
    api_key="sk-ant-of-claude",
)
FLASH = binding(
    "flash",
    provider="gemini",
    model="gemini-3-flash",
    endpoint="https://generativelanguage.googleapis.com",
    api_key="sk-of-flash",
)
OPENAI = binding("gpt", model="gpt-5", api_key="sk-of-gpt")
COMPATIBLE = binding("own", endpoint="https://models.example/v1")
BODIES: dict[str, dict[str, Any]] = {
    MESSAGES_CLIENT.name: {
        "model": "m",
        "max_tokens": CAP,
        "messages": [{"role": "user", "content": TEXT}],
    },
    RESPONSES_CLIENT.name: {"model": "m", "max_output_tokens": CAP, "input": TEXT},
    CHAT_CLIENT.name: {
        "model": "m",
        "max_tokens": CAP,
        "messages": [{"role": "user", "content": TEXT}],
    },
    GENERATE_CLIENT.name: {
        "contents": [{"role": "user", "parts": [{"text": TEXT}]}],
        "generationConfig": {"maxOutputTokens": CAP},
    },
}


class World:
    """One agent at a desk over a ledger, and a vendor. learn: as `uncountedInput` says."""

    def __init__(self, desk: Desk, line: Line) -> None:
        self.desk, self.line = desk, line
        self.vendor = CountingVendor({"input_tokens": 1_000})
        self.learn = False

    def limit(self, tokens: int) -> None:
        """Set what the agent may spend in a day."""
        self.line.limits[AGENT] = tokens

    def asked(
        self, of: GatewayBinding, client: ClientSide, headers: Headers | None = None, **changes: Any
    ) -> tuple[Asked, Route, Ask]:
        """Return a request of 8,000 bytes, its route, and what it may cost there."""
        agent = table(of).agent(b"Bearer " + TOKEN.encode())
        assert agent is not None
        body = json.dumps(BODIES[client.name] | changes).encode()
        reading = client.read(Call(body, "m", "generateContent"))
        asked = Asked(exchange_with(headers), agent, client, reading, [])
        route = agent.routes[0]
        self.line.limits.setdefault(route.subjects[1], None)
        native = route.ways[client.name].native
        shape = reading.shape if native else asked.translated_shape
        return asked, route, route.ask(reading, shape, LearnedRatio(), learn=self.learn)

    async def reserve(
        self,
        of: GatewayBinding = CLAUDE,
        client: ClientSide = MESSAGES_CLIENT,
        headers: Headers | None = None,
        **changes: Any,
    ) -> Reservation:
        """Do what a job does for one request."""
        asked, route, ask = self.asked(of, client, headers, **changes)
        return await self.again(asked, route, ask)

    async def again(self, asked: Asked, route: Route, ask: Ask) -> Reservation:
        way = route.ways[asked.client.name]
        return await reserve(self.desk, self.vendor.pools, asked, route, way, ask)

    async def turned(self, of: GatewayBinding = CLAUDE, **changes: Any) -> Turned:
        """Return how a request is sent away."""
        with pytest.raises(Turned) as caught:
            await self.reserve(of, **changes)
        return caught.value

    @property
    def results(self) -> Counter[str]:
        return self.desk.counts.results


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    line = Line(tmp_path / "ledger.db")
    desk = Desk(cast(ControlLink, line), "w1")
    desk.wait_seconds = 1.0
    made = World(desk, line)
    made.limit(5_000)
    task = asyncio.ensure_future(desk.run())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    line.ledger.close()


# Attacks


async def test_what_could_never_fit_asks_no_vendor(world: World) -> None:
    world.limit(1_000)  # an eighth of 8,000 bytes, and 256 tokens
    for _ in range(50):
        assert (await world.turned()).refusal is Refusal.SPENT
    assert world.vendor.calls == []
    assert not world.results


async def test_a_flood_of_requests_is_no_flood_of_counts(world: World) -> None:
    world.vendor.answer, world.vendor.seconds = {"input_tokens": 4_900}, 0.01
    tasks = [asyncio.ensure_future(world.turned()) for _ in range(200)]
    turned = Counter([each.refusal for each in await asyncio.gather(*tasks)])
    assert len(world.vendor.calls) <= BURST + 4  # and what the rate gave meanwhile
    assert world.vendor.most_running <= AT_ONCE
    assert world.results[LIMITED] >= 200 - BURST - 4
    assert turned[Refusal.UNCOUNTED] == world.results[LIMITED]  # told to come back soon
    assert turned[Refusal.SPENT] == world.results[COUNTED]


async def test_a_limited_agent_gets_nothing_by_an_estimate(world: World) -> None:
    """Else it would use up its counts and then send what the learned ratio is too low for."""
    world.learn = True
    while world.desk.counts.of("ns/a").bucket.take():
        pass
    assert (await world.turned()).refusal is Refusal.UNCOUNTED
    world.limit(9_000)
    assert (await world.reserve()).fit.input > 8_000  # the safe bound fits all the same


async def test_other_agents_are_counted_while_one_floods(world: World) -> None:
    while world.desk.counts.of("ns/flooder").bucket.take():
        pass
    assert (await world.reserve()).fit.input < 2_000


@pytest.mark.parametrize(
    "answer",
    [
        {},
        None,
        [],
        b"",
        b"<html>",
        b"{" * 5_000,
        b'{"input_tokens": NaN}',
        {"input_tokens": -1},
        {"input_tokens": 0},
        {"input_tokens": "1000"},
        {"input_tokens": 1_000.5},
        {"input_tokens": True},
        {"input_tokens": None},
        {"input_tokens": 10**6},
        {"input_tokens": 10**30},
        {"total_tokens": 1_000},
    ],
)
async def test_a_counter_that_lies_changes_nothing(world: World, answer: object) -> None:
    world.vendor.answer = answer
    turned = await world.turned()
    assert (turned.refusal, turned.counted) == (Refusal.SPENT, None)
    assert world.results == {IMPOSSIBLE: 1}
    assert len(world.vendor.calls) == 1


async def test_a_count_that_is_too_low_to_be_true_is_not_taken_whole(world: World) -> None:
    world.vendor.answer = {"input_tokens": 1}
    assert (await world.reserve()).fit.input >= 8_000 / 8


@pytest.mark.parametrize(
    ("status", "result", "refusal"),
    [
        (302, FAILED, Refusal.SPENT),
        (400, REFUSED, Refusal.SPENT),
        (401, FAILED, Refusal.SPENT),
        (404, LACKING, Refusal.SPENT),
        (413, REFUSED, Refusal.SPENT),
        (429, LIMITED, Refusal.UNCOUNTED),
        (500, FAILED, Refusal.SPENT),
        (529, FAILED, Refusal.SPENT),
    ],
)
async def test_what_the_vendor_refuses_is_refused_as_before(
    world: World, status: int, result: str, refusal: Refusal
) -> None:
    world.vendor.status = status
    assert (await world.turned()).refusal is refusal
    assert world.results == {result: 1}


@pytest.mark.parametrize(
    ("status", "estimated"), [(500, True), (404, True), (400, False), (429, False)]
)
async def test_only_what_is_no_doing_of_the_agents_is_estimated(
    world: World, status: int, estimated: bool
) -> None:
    world.learn, world.vendor.status = True, status
    if estimated:
        assert 4_000 < (await world.reserve()).fit.input < 5_000
    else:
        await world.turned()


async def test_a_field_that_is_not_known_to_be_counted_is_not_estimated_either(
    world: World,
) -> None:
    world.learn = True
    await world.turned(client=MESSAGES_CLIENT, something={"new": TEXT[:100]})
    assert world.vendor.calls == []
    assert world.results == {REFUSED: 1}


@pytest.mark.parametrize("slow", ["seconds", "slow_body"])
async def test_a_slow_counter_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    monkeypatch.setattr(exact_count, "MOST_SECONDS", 0.1)
    setattr(world.vendor, slow, 60.0)
    async with asyncio.timeout(3.0):
        assert (await world.turned()).refusal is Refusal.SPENT
    assert world.results == {FAILED: 1}
    assert all(each.aborted for each in world.vendor.responses)
    assert world.vendor.running == 0
    world.vendor.seconds = world.vendor.slow_body = 0.0
    assert await world.reserve()  # its place among the counts is free again


async def test_a_count_takes_no_longer_than_the_binding_allows(world: World) -> None:
    impatient = binding(
        "claude",
        provider="anthropic",
        endpoint="https://api.anthropic.com",
        timeouts=Timeouts(first_byte_seconds=0.1),
    )
    world.vendor.seconds = 60.0
    async with asyncio.timeout(3.0):
        await world.turned(impatient)
    assert world.results == {FAILED: 1}


async def test_a_vendor_out_of_reach_opens_its_circuit_and_is_left_alone(world: World) -> None:
    world.vendor.error = UpstreamError("connect", "a.b: refused")
    asked, route, ask = world.asked(CLAUDE, MESSAGES_CLIENT)
    for _ in range(8):
        fresh = Asked(asked.exchange, asked.agent, asked.client, asked.reading, [])
        with pytest.raises(Turned):
            await world.again(fresh, route, ask)
    assert len(world.vendor.calls) == 5
    assert not route.health.breaker.closed


async def test_an_endpoint_without_counting_is_not_asked_again(world: World) -> None:
    world.vendor.status = 404
    for _ in range(5):
        await world.turned()
    assert len(world.vendor.calls) == 1


async def test_only_the_bindings_own_key_and_no_header_of_the_agents_leaves(world: World) -> None:
    headers = [
        (b"authorization", b"Bearer agent-token"),
        (b"x-api-key", b"dummy"),
        (b"cookie", b"a=b"),
        (b"user-agent", b"sdk"),
        (b"idempotency-key", b"k"),
        (b"x-stainless-lang", b"js"),
        (b"anthropic-beta", b"some-beta"),
        (b"anthropic-version", b"2023-06-01"),
    ]
    await world.reserve(headers=headers)
    [call] = world.vendor.calls
    assert dict(call.headers) == {
        b"content-type": b"application/json",
        b"accept-encoding": b"identity",
        b"anthropic-version": b"2023-06-01",
        b"anthropic-beta": b"some-beta",
        b"x-api-key": b"sk-ant-of-claude",
    }
    assert len(call.headers) == 5  # none twice
    assert call.endpoint.host == "api.anthropic.com"


async def test_another_bindings_key_is_never_sent(world: World) -> None:
    await world.reserve(CLAUDE)
    world.limit(10_000)
    world.vendor.answer = {"totalTokens": 1_000}
    await world.reserve(FLASH)  # for a client of Anthropic's API
    one, other = world.vendor.calls
    assert b"sk-of-flash" not in dict(one.headers).values()
    assert other.header(b"x-goog-api-key") == b"sk-of-flash"
    assert b"sk-ant-of-claude" not in dict(other.headers).values()
    assert other.endpoint.host == "generativelanguage.googleapis.com"
    assert one.endpoint.partition != other.endpoint.partition


async def test_what_the_vendor_adds_to_later_is_never_counted(world: World) -> None:
    world.limit(150_000)
    search = [{"type": "web_search_20250305", "name": "web_search"}]
    assert (await world.turned(client=MESSAGES_CLIENT, tools=search)).refusal is Refusal.SPENT
    assert world.vendor.calls == []


async def test_an_image_may_be_another_one_when_it_is_fetched_again(world: World) -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://a.b/c"}}
    content = [{"type": "text", "text": TEXT}, image]
    messages = [{"role": "user", "content": content}]
    world.limit(12_000)
    _, route, _ = world.asked(CLAUDE, MESSAGES_CLIENT)
    held = await world.reserve(messages=messages)
    assert held.fit.input == 1_000 + margin(1_000) + route.facts.image


# What it is for


@pytest.mark.parametrize("learn", [False, True])
async def test_a_request_that_fits_once_counted_is_served(world: World, learn: bool) -> None:
    world.learn = learn
    held = await world.reserve()
    assert held.fit.input == 1_000 + margin(1_000) == 1_084
    assert held.fit.cap == CAP
    assert world.results == {COUNTED: 1}


async def test_what_fits_by_its_bound_is_not_counted(world: World) -> None:
    world.limit(20_000)
    assert (await world.reserve()).fit.input > 8_000
    assert world.vendor.calls == []


async def test_what_does_not_fit_counted_is_told_the_figure(world: World) -> None:
    world.vendor.answer = {"input_tokens": 4_800}
    turned = await world.turned()
    assert (turned.refusal, turned.counted) == (Refusal.SPENT, 4_800)
    _, route, _ = world.asked(CLAUDE, MESSAGES_CLIENT)
    failure = turned_away(route, turned, 60)
    assert "counts 4800 tokens of input" in failure.message
    assert (failure.refused, failure.retry_after_seconds) == (Refused.BUDGET_SPENT, 60)


async def test_who_had_too_many_counted_is_told_to_come_back_soon(world: World) -> None:
    _, route, _ = world.asked(CLAUDE, MESSAGES_CLIENT)
    failure = turned_away(route, Turned(Refusal.UNCOUNTED, AGENT), 60)
    assert (failure.refused, failure.retry_after_seconds) == (Refused.BUDGET_BUSY, 5)
    assert "too many are being counted" in failure.message


async def test_a_counted_request_waits_for_running_ones_too(world: World) -> None:
    running = [await world.reserve() for _ in range(3)]
    waiting = asyncio.ensure_future(world.reserve())
    await asyncio.sleep(0.3)
    assert not waiting.done()
    for held in running:
        world.desk.settle(held, 600)
    assert (await waiting).fit.input == 1_084


async def test_the_whole_wait_is_no_longer_than_without_counting(world: World) -> None:
    for _ in range(3):
        await world.reserve()
    world.vendor.seconds = 0.6
    began = asyncio.get_running_loop().time()
    assert (await world.turned()).refusal is Refusal.BUSY
    assert asyncio.get_running_loop().time() - began < 1.5


async def test_a_request_is_counted_once_however_often_it_is_tried(world: World) -> None:
    asked, route, ask = world.asked(CLAUDE, MESSAGES_CLIENT)
    held = await world.again(asked, route, ask)
    world.desk.settle(held, 0)
    assert (await world.again(asked, route, ask)).fit.input == 1_084
    other, another_route, more = world.asked(FLASH, MESSAGES_CLIENT)
    other.counted = asked.counted
    with pytest.raises(Turned):
        await world.again(other, another_route, more)
    assert len(world.vendor.calls) == 1


async def test_a_client_that_hangs_up_while_it_is_counted_leaves_nothing(world: World) -> None:
    world.vendor.error = None
    world.vendor.seconds = 0.2
    asked, route, ask = world.asked(CLAUDE, MESSAGES_CLIENT)
    task = asyncio.ensure_future(world.again(asked, route, ask))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(world.desk.account.line) == 0
    assert (await world.reserve()).fit.input == 1_084


async def test_a_client_that_is_gone_is_not_counted_for(world: World) -> None:
    gone = asyncio.Event()

    class Gone(CountingVendor):
        async def send(self, *args: Any, **named: Any) -> Any:
            gone.set()
            raise ClientGone

    world.vendor = Gone()
    with pytest.raises(ClientGone):
        await world.reserve()
    assert gone.is_set()


# Each vendor


async def test_anthropic_counts_the_very_request(world: World) -> None:
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    await world.reserve(tools=tools, stream=True, temperature=0.5, metadata={"user_id": "u"})
    [call] = world.vendor.calls
    assert call.target == "/v1/messages/count_tokens"
    assert call.body == {
        "model": "claude-sonnet-4-5",
        "messages": BODIES[MESSAGES_CLIENT.name]["messages"],
        "tools": tools,
    }


async def test_gemini_counts_the_whole_request(world: World) -> None:
    world.vendor.answer = {"totalTokens": 1_000}
    held = await world.reserve(FLASH, GENERATE_CLIENT, systemInstruction={"parts": [{"text": "x"}]})
    [call] = world.vendor.calls
    assert call.target == "/v1beta/models/gemini-3-flash:countTokens"
    assert call.body == {
        "generateContentRequest": {
            "model": "models/gemini-3-flash",
            **BODIES[GENERATE_CLIENT.name],
            "systemInstruction": {"parts": [{"text": "x"}]},
        }
    }
    assert held.fit.input == 1_084


async def test_openai_counts_what_goes_to_responses(world: World) -> None:
    held = await world.reserve(OPENAI, RESPONSES_CLIENT, instructions="x", store=False)
    [call] = world.vendor.calls
    assert call.target == "/v1/responses/input_tokens"
    assert call.body == {"model": "gpt-5", "input": TEXT, "instructions": "x"}
    assert call.header(b"authorization") == b"Bearer sk-of-gpt"
    assert held.fit.input == max(1_000, -(-held_bound(world) // 8))  # exact: no margin


def held_bound(world: World) -> int:
    _, _, ask = world.asked(OPENAI, RESPONSES_CLIENT, instructions="x", store=False)
    return ask.inputs[0]


async def test_a_translated_request_is_counted_as_it_would_be_sent(world: World) -> None:
    await world.reserve(CLAUDE, CHAT_CLIENT)
    await world.reserve(OPENAI, MESSAGES_CLIENT)
    claude, gpt = world.vendor.calls
    assert claude.body["messages"][0]["role"] == "user"
    assert set(claude.body) <= {"model", "messages", "system", "thinking"}
    assert set(gpt.body) <= {"model", "input", "reasoning"}
    assert (claude.target, gpt.target) == (
        "/v1/messages/count_tokens",
        "/v1/responses/input_tokens",
    )


@pytest.mark.parametrize(
    ("of", "client"),
    [(COMPATIBLE, CHAT_CLIENT), (COMPATIBLE, MESSAGES_CLIENT), (OPENAI, CHAT_CLIENT)],
)
async def test_who_can_not_count_is_not_asked(
    world: World, of: GatewayBinding, client: ClientSide
) -> None:
    world.learn = True
    assert 4_000 < (await world.reserve(of, client)).fit.input < 5_000
    assert world.vendor.calls == []


# maxPerRequest


def job(world: World, limit: int, **changes: Any) -> tuple[Job, Route, Ask, Asked]:
    limits = Limits(None, limit)
    agent = table(CLAUDE, limits=limits).agent(b"Bearer " + TOKEN.encode())
    assert agent is not None
    asked, _, ask = world.asked(CLAUDE, MESSAGES_CLIENT, **changes)
    route = agent.routes[0]
    made = Job(world.desk, world.vendor.pools, asked, route, LearnedRatio())
    return made, route, ask, asked


async def checked(world: World, limit: int, **changes: Any) -> Ask | Failure:
    made, route, ask, asked = job(world, limit, **changes)
    way = route.ways[asked.client.name]
    first = made.check(way, ask)
    return await made.check_counted(way, ask, first) if isinstance(first, Failure) else first


async def test_one_request_is_counted_before_it_is_refused(world: World) -> None:
    found = await checked(world, 2_000)
    assert isinstance(found, Ask)
    assert (found.inputs, found.cap) == ((1_084,), CAP)


async def test_over_the_limit_for_one_request_the_count_is_told(world: World) -> None:
    world.vendor.answer = {"input_tokens": 1_900}
    found = await checked(world, 2_000)
    assert isinstance(found, Failure)
    assert found.refused is Refused.OVER_REQUEST_LIMIT
    assert "counts 1900 tokens of input" in found.message


async def test_far_over_the_limit_for_one_request_no_vendor_is_asked(world: World) -> None:
    found = await checked(world, 1_200)
    assert isinstance(found, Failure)
    assert "counts" not in found.message
    assert world.vendor.calls == []


async def test_within_the_limit_for_one_request_no_vendor_is_asked(world: World) -> None:
    assert isinstance(await checked(world, 20_000), Ask)
    assert world.vendor.calls == []


async def test_a_failed_count_leaves_the_refusal_as_it_was(world: World) -> None:
    world.vendor.status = 500
    found = await checked(world, 2_000)
    assert isinstance(found, Failure)
    assert found.refused is Refused.OVER_REQUEST_LIMIT
    assert len(world.vendor.calls) == 1
