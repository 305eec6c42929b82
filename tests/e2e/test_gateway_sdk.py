"""The official `openai` SDK, unchanged, against a real gateway process."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import openai
import pytest
from tests.e2e.gateway_stage import (
    AGENT,
    CREDENTIAL,
    KEY,
    METRICS_TOKEN,
    TOKEN,
    Stage,
    Vendor,
    binding,
    snapshot,
    stage,
)

from pai.ir.agent import Limits


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as running:
        yield running


@pytest.fixture
async def client(world: Stage) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key=TOKEN, base_url=world.url) as made:
        yield made


def say(**script: object) -> list[openai.types.chat.ChatCompletionMessageParam]:
    return [{"role": "user", "content": json.dumps(script)}]


async def test_chat_is_answered_metered_and_charged(
    world: Stage, client: openai.AsyncOpenAI
) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="main", messages=say(tokens=7), max_tokens=50
    )
    answer = raw.parse()
    assert answer.choices[0].message.content == "word " * 7
    assert answer.usage is not None
    assert raw.headers["x-pai-model"] == "main"
    assert raw.headers["x-pai-max-tokens"] == "50"
    assert raw.headers["x-pai-request-id"].startswith("gw0-")
    head = world.vendor.heads[0]
    assert head["authorization"] == f"Bearer {KEY}"
    assert TOKEN not in str(head)
    assert world.vendor.requests[0]["model"] == "vendor-main"
    await world.stop_worker(0)
    balance = world.control.ledger.balance(AGENT, world.control.now())
    assert balance.spent == balance.charged == answer.usage.total_tokens
    [usage] = world.control.ledger.usage()
    assert (usage.agent, usage.model, usage.requests) == ("ns/agent", "ns/main", 1)
    assert usage.input + usage.output == answer.usage.total_tokens
    assert usage.estimated == 0


@pytest.mark.parametrize("wants_usage", [False, True])
async def test_streams_pass_and_usage_is_shown_only_when_asked_for(
    world: Stage, client: openai.AsyncOpenAI, wants_usage: bool
) -> None:
    extra = {"stream_options": {"include_usage": True}} if wants_usage else {}
    stream = await client.chat.completions.create(
        model="default",
        messages=say(tokens=20, pause=0.001),
        stream=True,
        extra_body=extra,
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "".join(f"w{number} " for number in range(20))
    assert any(chunk.usage for chunk in chunks) == wants_usage
    assert any(not chunk.choices for chunk in chunks) == wants_usage
    await world.stop_worker(0)
    billed = world.vendor.billed.total()
    assert world.control.ledger.balance(AGENT, world.control.now()).charged == billed


async def test_an_unknown_model_is_not_found_and_the_agents_own_are_named(
    world: Stage, client: openai.AsyncOpenAI
) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await client.chat.completions.create(model="gpt-99", messages=say())
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"
    assert "main" in caught.value.message
    assert world.vendor.requests == []


async def test_models_are_listed(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["main"]
    assert (await client.models.retrieve("main")).owned_by == "openai"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("other")


async def test_a_bad_token_is_refused(world: Stage) -> None:
    async with openai.AsyncOpenAI(api_key="sk-wrong", base_url=world.url) as stranger:
        with pytest.raises(openai.AuthenticationError) as caught:
            await stranger.models.list()
    assert caught.value.code == "invalid_api_key"


async def test_bad_requests_say_what_is_wrong(world: Stage, client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model="main", messages=say(), max_tokens=0)
    assert caught.value.param == "max_tokens"
    with pytest.raises(openai.BadRequestError, match="maxPerRequest"):
        await client.chat.completions.create(
            model="main", messages=[{"role": "user", "content": "x" * 600_000}]
        )
    with pytest.raises(openai.NotFoundError, match="/v1/chat/completions"):
        await client.post("/audio/speech", cast_to=object)
    assert world.vendor.requests == []


async def test_a_body_over_the_limit_is_413(world: Stage) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            world.url + "/chat/completions",
            content=b" " * (32 * 1024 * 1024 + 1),
            headers={"authorization": f"Bearer {TOKEN}"},
        )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"


async def test_the_key_is_taken_out_of_whatever_the_vendor_answers(
    world: Stage, client: openai.AsyncOpenAI
) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="main", messages=say(do="echo")
    )
    assert KEY not in raw.text
    assert KEY not in str(raw.headers)
    assert "x-echo" in raw.headers
    world.vendor.failures = [(400, {"x-echo": f"Bearer {KEY}"})]
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model="main", messages=say())
    assert KEY not in caught.value.response.text + str(caught.value.response.headers)
    assert KEY not in world.logs()


async def test_failures_that_pass_are_retried_and_cost_nothing(
    world: Stage, client: openai.AsyncOpenAI
) -> None:
    world.vendor.failures = [(503, {}), (429, {"retry-after": "0"})]
    answer = await client.with_options(max_retries=0).chat.completions.create(
        model="main", messages=say(tokens=3)
    )
    assert answer.usage is not None
    assert len(world.vendor.requests) == 3
    world.vendor.failures = [(500, {})] * 3
    with pytest.raises(openai.InternalServerError) as caught:
        await client.with_options(max_retries=0).chat.completions.create(
            model="main", messages=say()
        )
    assert caught.value.status_code == 502
    assert len(world.vendor.requests) == 6
    await world.stop_worker(0)
    charged = world.control.ledger.balance(AGENT, world.control.now()).charged
    assert charged == answer.usage.total_tokens


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": -5, "completion_tokens": 1}, {"prompt_tokens": "5"}]
)
@pytest.mark.parametrize("streams", [False, True])
async def test_a_vendor_that_lies_about_usage_does_not_save_the_agent_a_token(
    world: Stage, client: openai.AsyncOpenAI, usage: object, streams: bool
) -> None:
    answer = await client.chat.completions.create(
        model="main", messages=say(tokens=30, usage=usage), max_tokens=40, stream=streams
    )
    if isinstance(answer, openai.AsyncStream):
        assert [chunk async for chunk in answer]
    await world.stop_worker(0)
    assert world.control.ledger.balance(AGENT, world.control.now()).charged >= (
        world.vendor.billed.total()
    )
    [recorded] = world.control.ledger.usage()
    assert recorded.estimated == 1


async def test_a_spent_budget_is_insufficient_quota_and_not_retried(tmp_path: Path) -> None:
    def poor(vendor: Vendor) -> object:
        return snapshot(vendor, agent_limits=Limits(400, None))

    async with (
        stage(tmp_path, poor) as world,  # type: ignore[arg-type]
        openai.AsyncOpenAI(api_key=TOKEN, base_url=world.url) as client,
    ):
        served = 0
        with pytest.raises(openai.RateLimitError) as caught:
            for _ in range(50):
                await client.chat.completions.create(model="main", messages=say(tokens=40))
                served += 1
        assert served >= 1
        assert caught.value.code == "insufficient_quota"
        assert caught.value.type == "insufficient_quota"
        headers = caught.value.response.headers
        assert headers["x-should-retry"] == "false"
        assert 0 < int(headers["retry-after"]) <= 86_400
        assert len(world.vendor.requests) == served
        refused = [line for line in (await metrics(world)).splitlines() if 'status="429"' in line]
        assert refused and refused[0].endswith(" 1")  # the SDK did not try again
        assert world.vendor.billed.total() <= 400


async def metrics(world: Stage) -> str:
    url = world.url.replace("/v1", "/metrics")
    async with httpx.AsyncClient() as http:
        assert (await http.get(url)).status_code == 401
        wrong = await http.get(url, headers={"authorization": f"Bearer {CREDENTIAL}"})
        assert wrong.status_code == 401
        answer = await http.get(url, headers={"authorization": f"Bearer {METRICS_TOKEN}"})
    return answer.text


async def test_the_chain_of_models_is_followed_for_default_only(tmp_path: Path) -> None:
    def two(vendor: Vendor) -> object:
        return snapshot(vendor, bindings=(binding(vendor), binding(vendor, "second")))

    async with (
        stage(tmp_path, two) as world,  # type: ignore[arg-type]
        openai.AsyncOpenAI(api_key=TOKEN, base_url=world.url, max_retries=0) as client,
    ):
        world.vendor.failures = [(500, {})] * 3
        raw = await client.chat.completions.with_raw_response.create(
            model="default", messages=say()
        )
        assert raw.headers["x-pai-model"] == "second"
        assert world.vendor.requests[-1]["model"] == "vendor-second"
        world.vendor.failures = [(500, {})] * 3
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model="main", messages=say())
        by_vendors_id = await client.chat.completions.with_raw_response.create(
            model="vendor-second", messages=say()
        )
        assert by_vendors_id.headers["x-pai-model"] == "second"


async def test_work_goes_on_without_control_while_leases_last(
    world: Stage, client: openai.AsyncOpenAI
) -> None:
    quick = client.with_options(max_retries=0)
    await quick.chat.completions.create(model="main", messages=say(tokens=2), max_tokens=50)
    world.control.fails = True
    served = 0
    with pytest.raises(openai.InternalServerError) as caught:
        for _ in range(200):
            await quick.chat.completions.create(
                model="main", messages=say(tokens=50, input=150), max_tokens=50
            )
            served += 1
    assert served >= 3
    assert caught.value.status_code == 503
    assert caught.value.code == "budget_unavailable"
    world.control.fails = False
    await quick.chat.completions.create(model="main", messages=say(tokens=2), max_tokens=50)
    await world.stop_worker(0)
    charged = world.control.ledger.balance(AGENT, world.control.now()).charged
    assert charged == world.vendor.billed.total()


@pytest.mark.parametrize("streams", [False, True])
async def test_a_vendor_that_breaks_off_is_paid_for_what_it_may_have_done(
    world: Stage, client: openai.AsyncOpenAI, streams: bool
) -> None:
    do = "break" if streams else "close"
    with pytest.raises((openai.APIError, httpx.TransportError)):
        answer = await client.with_options(max_retries=0).chat.completions.create(
            model="main", messages=say(tokens=30, do=do), max_tokens=2_000, stream=streams
        )
        if isinstance(answer, openai.AsyncStream):
            assert [chunk async for chunk in answer]
    await world.stop_worker(0)
    charged = world.control.ledger.balance(AGENT, world.control.now()).charged
    assert world.vendor.billed.total() <= charged < 2_200


async def test_a_client_that_hangs_up_stops_the_vendor_and_pays_for_what_was_made(
    world: Stage, client: openai.AsyncOpenAI
) -> None:
    stream = await client.chat.completions.create(
        model="main", messages=say(tokens=3_000, pause=0.01), max_tokens=3_000, stream=True
    )
    async for _ in stream:
        break
    await stream.close()
    for _ in range(100):
        if not world.vendor.running:
            break
        await asyncio.sleep(0.05)
    assert world.vendor.running == 0
    billed = world.vendor.billed.total()
    await world.stop_worker(0)
    charged = world.control.ledger.balance(AGENT, world.control.now()).charged
    assert billed <= charged < 3_000


async def test_a_cap_is_set_where_the_client_set_none_and_every_answer_counts(
    world: Stage, client: openai.AsyncOpenAI
) -> None:
    await client.chat.completions.create(model="main", messages=say())
    assert world.vendor.requests[-1]["max_tokens"] == 4_096
    raw = await client.chat.completions.with_raw_response.create(
        model="main", messages=say(), max_tokens=150_000, n=2
    )
    cap = world.vendor.requests[-1]["max_tokens"]
    assert raw.headers["x-pai-max-tokens"] == str(cap)
    assert 90_000 < cap < 100_000  # two answers and the input within 200,000


async def test_a_revoked_key_is_the_platforms_trouble_and_not_shown_as_the_agents(
    world: Stage, client: openai.AsyncOpenAI
) -> None:
    world.vendor.failures = [(401, {})]
    with pytest.raises(openai.InternalServerError) as caught:
        await client.with_options(max_retries=0).chat.completions.create(
            model="main", messages=say()
        )
    assert caught.value.status_code == 502
    assert caught.value.code == "upstream_credential"
    assert KEY not in caught.value.response.text


async def test_a_rotated_key_and_a_new_limit_take_effect_without_a_restart(
    world: Stage, client: openai.AsyncOpenAI
) -> None:
    await client.chat.completions.create(model="main", messages=say())
    old = world.control.snapshot
    [before] = old.bindings
    after = msgspec.structs.replace(before, api_key="sk-rotated", limits=Limits(1, None))
    world.control.snapshot = msgspec.structs.replace(old, version=2, bindings=(after,))
    await asyncio.sleep(1.0)
    with pytest.raises(openai.RateLimitError) as caught:
        await client.chat.completions.create(model="main", messages=say())
    assert "model 'main'" in caught.value.message
    freed = msgspec.structs.replace(after, limits=Limits())
    world.control.snapshot = msgspec.structs.replace(old, version=3, bindings=(freed,))
    await asyncio.sleep(1.0)
    await client.chat.completions.create(model="main", messages=say())
    assert world.vendor.heads[-1]["authorization"] == "Bearer sk-rotated"
