"""What a permitted request looks like to the service, and its answer to the agent."""

import asyncio
import json

import msgspec
from tests.unit.sidecar.stage import (
    DUMMY,
    GATEWAY_TOKEN,
    HOST,
    LLM_DUMMY,
    LLM_HOST,
    OTHER,
    OTHER_TOKEN,
    TOKEN,
    Stage,
    answer,
    open_stage,
    providers,
    request,
    weather_provider,
)  # fmt: skip

from pai.ir.provider import Policy


async def test_the_token_replaces_the_agents_dummy(stage: Stage) -> None:
    client = await stage.tls()
    got = await client.get("/v1/now?q=%C3%A4", HOST, f"authorization: Bearer {DUMMY}", "x-a: b")
    assert got.line == "HTTP/1.1 200 OK"
    [seen] = stage.weather.seen
    assert seen.line == "GET /v1/now?q=%C3%A4 HTTP/1.1"
    assert seen.get("authorization") == [f"Bearer {TOKEN}"]
    assert seen.get("host") == [HOST]
    assert seen.get("x-a") == ["b"]
    assert seen.get("accept-encoding") == ["identity"]
    await client.close()


async def test_a_plain_request_still_leaves_over_tls(stage: Stage) -> None:
    client = await stage.to("plain")
    got = await client.get()
    assert got.body == b"ok"
    assert stage.weather.seen[0].get("authorization") == [f"Bearer {TOKEN}"]
    await client.close()


async def test_several_requests_share_connections_per_credential(stage: Stage) -> None:
    client = await stage.tls()
    for _ in range(3):
        await client.get()
    assert stage.weather.connections == 1
    await client.close()


async def test_a_request_body_of_any_framing_arrives_whole(stage: Stage) -> None:
    client = await stage.tls()
    body = bytes(range(256)) * 4000
    await client.ask(request("POST", "/v1/now", HOST, body=body))
    head = request("PUT", "/v1/now", HOST, "transfer-encoding: chunked")
    await client.ask(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert [seen.body for seen in stage.weather.seen] == [body, b"abcde"]
    await client.close()


async def test_expect_continue_is_answered(stage: Stage) -> None:
    client = await stage.tls()
    head = request("POST", "/v1/now", HOST, "content-length: 3", "expect: 100-continue")
    first = await client.ask(head)
    assert first.line == "HTTP/1.1 100 Continue"
    assert (await client.ask(b"abc")).line == "HTTP/1.1 200 OK"
    assert stage.weather.seen[0].body == b"abc"
    await client.close()


async def test_redirects_are_the_clients_business(stage: Stage) -> None:
    stage.weather.respond = lambda seen: answer(b"", "302 Found", location=f"https://{OTHER}/x")
    client = await stage.tls()
    got = await client.get()
    assert got.get("location") == [f"https://{OTHER}/x"]
    assert stage.other.seen == []
    await client.close()


async def test_a_websocket_passes_both_ways(stage: Stage) -> None:
    stage.weather.respond = lambda seen: answer(
        b"", "101 Switching Protocols", upgrade="websocket", connection="Upgrade"
    ).replace(b"content-length: 0\r\n", b"")
    client = await stage.tls()
    got = await client.get(
        "/ws", HOST, "connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-extensions: permessage-deflate",
    )  # fmt: skip
    assert got.line.startswith("HTTP/1.1 101")
    client.writer.write(b"\x81\x05hello")
    assert await client.reader.readexactly(7) == b"\x81\x05hello"
    [seen] = stage.weather.seen
    assert seen.get("upgrade") == ["websocket"]
    assert seen.get("sec-websocket-extensions") == []
    assert seen.get("authorization") == [f"Bearer {TOKEN}"]
    await client.close()


async def test_events_pass_as_they_come(stage: Stage) -> None:
    more = asyncio.Event()
    stage.weather.chunks = [
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        b"8\r\ndata: 1\n\r\n"
    ]
    client = await stage.tls()
    client.writer.write(request("GET", "/v1/events", HOST))
    async with asyncio.timeout(5):  # the body has not ended, and yet its first event is here
        await client.reader.readuntil(b"data: 1")
    more.set()
    await client.close()


async def test_a_rotated_secret_counts_from_the_next_request(stage: Stage) -> None:
    client = await stage.tls()
    await client.get()
    new = msgspec.structs.replace(
        stage.snapshot, version=2, providers=providers(token="new-token-1")
    )
    stage.apply(new)
    await client.get()
    assert stage.weather.seen[-1].get("authorization") == ["Bearer new-token-1"]
    assert stage.weather.connections == 2
    await client.close()


async def test_every_decision_is_recorded_without_query_or_key(stage: Stage) -> None:
    client = await stage.tls()
    await client.get("/v1/now?secret-question=1")
    [record] = [json.loads(line) for line in stage.records]
    assert record["decision"] == "allowed"
    assert record["agent"] == "default/probe"
    assert (record["provider"], record["action"]) == ("weather", "get")
    assert (record["host"], record["method"], record["path"]) == (HOST, "GET", "/v1/now")
    assert record["status"] == 200
    assert "secret-question" not in stage.audit()
    assert TOKEN not in stage.audit()
    await client.close()


async def test_log_requests_false_leaves_only_violations() -> None:
    quiet = weather_provider(log_requests=False)
    async with open_stage(weather=quiet) as stage:
        client = await stage.tls()
        await client.get()
        assert stage.records == []
        await client.get("/admin/x")
        assert '"denied"' in stage.audit()
        await client.close()


async def test_audit_enforcement_lets_a_violation_pass_and_records_it() -> None:
    lenient = weather_provider(enforcement="audit", policy=Policy(allow=("post",)))
    async with open_stage(weather=lenient) as stage:
        client = await stage.tls()
        assert (await client.get()).body == b"ok"
        [record] = [json.loads(line) for line in stage.records]
        assert record["decision"] == "audited"
        assert record["rule"] == "policy.allow: post"
        await client.close()


async def test_an_upstream_out_of_reach_is_a_clear_error(stage: Stage) -> None:
    await stage.weather.stop()
    client = await stage.tls()
    got = await client.get()
    assert got.line.startswith("HTTP/1.1 502")
    assert json.loads(got.body)["error"]["code"] == "upstream_connect"
    assert '"status":502' in stage.audit()
    await stage.weather.start()
    await client.close()


async def test_a_type_that_is_not_served_yet_is_refused() -> None:
    async with open_stage(weather=weather_provider(type="github", policy=None)) as stage:
        client = await stage.tls()
        got = await client.get()
        assert got.line.startswith("HTTP/1.1 403")
        assert "'github' is not served yet" in got.body.decode()
        assert stage.weather.seen == []
        await client.close()


async def test_a_provider_without_a_usable_secret_is_refused(stage: Stage) -> None:
    for token in ("", "two\nlines"):
        new = msgspec.structs.replace(stage.snapshot, providers=providers(token=token))
        stage.apply(new)
        client = await stage.tls()
        got = await client.get()
        assert got.line.startswith("HTTP/1.1 403")
        assert "lines" not in got.body.decode()
        await client.close()
    assert stage.weather.seen == []


async def test_llm_requests_go_to_the_gateway_by_both_ways(stage: Stage) -> None:
    fields = (f"authorization: Bearer {LLM_DUMMY}", "x-api-key: mine", "anthropic-version: 1")
    local = await stage.to("models")
    await local.ask(
        request("POST", "/v1/chat/completions?key=x", "127.0.0.1:8000", *fields, body=b"{}")
    )
    vendor = await stage.tls(LLM_HOST)
    await vendor.ask(request("POST", "/api/v1/chat/completions", LLM_HOST, *fields, body=b"{}"))
    assert len(stage.gateway.seen) == 2
    for seen in stage.gateway.seen:
        assert seen.line == "POST /v1/chat/completions HTTP/1.1"
        assert seen.get("authorization") == [f"Bearer {GATEWAY_TOKEN}"]
        assert seen.get("x-api-key") == []
        assert seen.get("anthropic-version") == ["1"]
        assert seen.body == b"{}"
    await local.close()
    await vendor.close()


async def test_the_second_provider_gets_its_own_token(stage: Stage) -> None:
    client = await stage.tls(OTHER)
    await client.get("/", OTHER)
    assert stage.other.seen[0].get("authorization") == [f"Bearer {OTHER_TOKEN}"]
    await client.close()


async def test_a_request_whose_client_goes_is_recorded_and_stopped(stage: Stage) -> None:
    stage.weather.pause_seconds = lambda seen: 5.0
    client = await stage.tls()
    client.writer.write(request("GET", "/v1/slow", HOST))
    while not stage.weather.seen:
        await asyncio.sleep(0.01)
    await client.close()
    async with asyncio.timeout(5):
        while '"status":499' not in stage.audit():
            await asyncio.sleep(0.01)
