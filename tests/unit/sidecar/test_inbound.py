"""The way in: the edge with its token and an allowed client, and nobody else."""

import json

import msgspec
import pytest
from tests.unit.sidecar.stage import EDGE, Stage, answer, request

TOKEN_FIELD = f"x-pai-edge: {EDGE}"
CLIENT = "x-forwarded-for: 203.0.113.7"


async def test_the_edge_reaches_the_agent(stage: Stage) -> None:
    client = await stage.to("inbound")
    got = await client.ask(
        request("POST", "/hook?x=1", "bot.example", TOKEN_FIELD, CLIENT, body=b"hi")
    )
    assert got.body == b"ok"
    [seen] = stage.agent.seen
    assert seen.line == "POST /hook?x=1 HTTP/1.1"
    assert seen.get("host") == ["bot.example"]
    assert seen.get("x-forwarded-for") == ["203.0.113.7"]
    assert seen.get("x-pai-edge") == []
    assert EDGE not in str(seen)
    await client.close()


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("x-pai-edge: wrong",),
        ("x-pai-edge:",),
        (f"x-pai-edge: {EDGE}x",),
        (f"x-pai-edge: {EDGE[:-1]}",),
        (TOKEN_FIELD, TOKEN_FIELD),
        (f"x-pai-edge: {EDGE}, {EDGE}",),
        (f"authorization: Bearer {EDGE}",),
    ],
)
@pytest.mark.parametrize("path", ["/", "/.pai/ready"])
async def test_nobody_else_is_told_anything(
    stage: Stage, fields: tuple[str, ...], path: str
) -> None:
    client = await stage.to("inbound")
    got = await client.ask(request("GET", path, "bot.example", CLIENT, *fields))
    assert got.line.startswith("HTTP/1.1 404")
    assert got.body == b""
    assert stage.agent.seen == []
    await client.close()


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("x-forwarded-for: 198.51.100.1",),
        ("x-forwarded-for: 203.0.113.7, 198.51.100.1",),
        ("x-forwarded-for: 203.0.113.7", "x-forwarded-for: 198.51.100.1"),
        ("x-forwarded-for: 203.0.113.7,",),
        ("x-forwarded-for: 203.0.113.7:80x",),
        ("x-forwarded-for: unknown",),
        ("forwarded: for=203.0.113.7", "x-real-ip: 203.0.113.7"),
    ],
)
async def test_the_clients_address_is_checked_again(stage: Stage, fields: tuple[str, ...]) -> None:
    client = await stage.to("inbound")
    got = await client.ask(request("GET", "/", "bot.example", TOKEN_FIELD, *fields))
    assert got.line.startswith("HTTP/1.1 403")
    assert stage.agent.seen == []
    assert "inbound.allowCIDRs" in stage.audit()
    await client.close()


async def test_a_claim_before_the_edges_word_does_no_harm(stage: Stage) -> None:
    client = await stage.to("inbound")
    forwarded = "x-forwarded-for: 198.51.100.1, ::ffff:203.0.113.7"
    got = await client.ask(request("GET", "/", "bot.example", TOKEN_FIELD, forwarded))
    assert got.body == b"ok"
    await client.close()


async def test_an_empty_list_admits_nobody(stage: Stage) -> None:
    inbound = msgspec.structs.replace(stage.snapshot.inbound, allow_cidrs=())
    stage.apply(msgspec.structs.replace(stage.snapshot, version=2, inbound=inbound))
    client = await stage.to("inbound")
    got = await client.ask(request("GET", "/", "bot.example", TOKEN_FIELD, CLIENT))
    assert got.line.startswith("HTTP/1.1 403")
    await client.close()


async def test_without_inbound_there_is_nothing_but_readiness(stage: Stage) -> None:
    inbound = msgspec.structs.replace(stage.snapshot.inbound, port=None)
    stage.apply(msgspec.structs.replace(stage.snapshot, version=2, inbound=inbound))
    client = await stage.to("inbound")
    got = await client.ask(request("GET", "/", "bot.example", TOKEN_FIELD, CLIENT))
    assert got.line.startswith("HTTP/1.1 404")
    ready = await client.ask(request("GET", "/.pai/ready", "x", TOKEN_FIELD))
    assert json.loads(ready.body) == {"sidecar": True, "inbound": None, "version": 2}
    await client.close()


async def test_readiness_tells_whether_the_agent_listens(stage: Stage) -> None:
    client = await stage.to("inbound")
    ready = await client.ask(request("GET", "/.pai/ready", "x", TOKEN_FIELD))
    assert json.loads(ready.body) == {"sidecar": True, "inbound": True, "version": 1}
    await stage.agent.stop()
    ready = await client.ask(request("GET", "/.pai/ready", "x", TOKEN_FIELD))
    assert json.loads(ready.body)["inbound"] is False
    got = await client.ask(request("GET", "/", "bot.example", TOKEN_FIELD, CLIENT))
    assert got.line.startswith("HTTP/1.1 502")
    await stage.agent.start()
    await client.close()


async def test_the_edge_is_told_with_proof_when_the_agent_got_nothing(stage: Stage) -> None:
    client = await stage.to("inbound")
    stage.agent.respond = lambda seen: answer(b"", "502 Bad Gateway", x_pai_unsent="1")
    own = await client.ask(request("GET", "/", "bot.example", TOKEN_FIELD, CLIENT))
    assert own.get("x-pai-unsent") == ["1"]  # no proof: the agent does not know the token
    stage.agent.respond = lambda seen: b""
    stage.agent.closes = True
    cut = await client.ask(request("GET", "/", "bot.example", TOKEN_FIELD, CLIENT))
    assert cut.line.startswith("HTTP/1.1 502")
    assert cut.get("x-pai-unsent") == []
    await stage.agent.stop()
    away = await client.ask(request("GET", "/", "bot.example", TOKEN_FIELD, CLIENT))
    assert away.line.startswith("HTTP/1.1 502")
    assert away.get("x-pai-unsent") == [EDGE]
    await stage.agent.start()
    await client.close()


async def test_a_websocket_reaches_the_agent(stage: Stage) -> None:
    stage.agent.respond = lambda seen: answer(
        b"", "101 Switching Protocols", upgrade="websocket", connection="Upgrade"
    ).replace(b"content-length: 0\r\n", b"")
    client = await stage.to("inbound")
    fields = ("connection: Upgrade", "upgrade: websocket", "sec-websocket-key: x")
    got = await client.ask(request("GET", "/ws", "bot.example", TOKEN_FIELD, CLIENT, *fields))
    assert got.line.startswith("HTTP/1.1 101")
    client.writer.write(b"ping")
    assert await client.reader.readexactly(4) == b"ping"
    await client.close()


async def test_an_answer_streams(stage: Stage) -> None:
    stage.agent.chunks = [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n"
    ]
    client = await stage.to("inbound")
    client.writer.write(request("GET", "/events", "bot.example", TOKEN_FIELD, CLIENT))
    assert b"chunked" in await client.reader.readuntil(b"data: 1")
    await client.close()
