"""The public way in: the connection's other end is the client, whatever the request says."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.unit.sidecar.stage import EDGE, POD_PORTS, Client, Stage, answer, open_stage, request
from tests.unit.wire.corpus_file import Case, load

CORPUS = [case for case in load("requests") if case.verdict != "accept"]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage(ports=POD_PORTS) as opened:
        allow(opened, "127.0.0.0/8")
        yield opened


def allow(stage: Stage, *cidrs: str, port: int | None = -1) -> None:
    inbound = msgspec.structs.replace(stage.snapshot.inbound, allow_cidrs=cidrs)
    if port != -1:
        inbound = msgspec.structs.replace(inbound, port=port)
    version = stage.snapshot.version + 1
    stage.apply(msgspec.structs.replace(stage.snapshot, version=version, inbound=inbound))


async def test_the_agent_is_told_the_true_peer_and_no_claims(stage: Stage) -> None:
    client = await stage.to("public")
    claims = (
        "x-forwarded-for: 203.0.113.7",
        "x-forwarded-for: 10.0.0.1, 10.0.0.2",
        "forwarded: for=203.0.113.7",
        "x-real-ip: 203.0.113.7",
        "x-forwarded-host: other.example",
        "x-forwarded-proto: https",
        f"x-pai-edge: {EDGE}",
        "x-pai-unsent: 1",
        "x-mine: kept",
    )
    got = await client.ask(request("POST", "/hook?x=1", "bot.example:80", *claims, body=b"hi"))
    assert got.body == b"ok"
    [seen] = stage.agent.seen
    assert seen.line == "POST /hook?x=1 HTTP/1.1"
    assert seen.body == b"hi"
    assert seen.get("x-forwarded-for") == ["127.0.0.1"]
    assert seen.get("x-forwarded-host") == ["bot.example:80"]
    assert seen.get("x-forwarded-proto") == ["http"]
    assert seen.get("x-mine") == ["kept"]
    for name in ("forwarded", "x-real-ip", "x-pai-edge", "x-pai-unsent"):
        assert seen.get(name) == []
    await client.close()


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("x-forwarded-for: 203.0.113.7",),
        (f"x-pai-edge: {EDGE}", "x-forwarded-for: 203.0.113.7"),
        ("forwarded: for=203.0.113.7", "x-real-ip: 203.0.113.7"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/.pai/ready", "/probe/healthz", "/livez"])
async def test_an_address_that_is_not_allowed_is_refused_whatever_it_says(
    stage: Stage, fields: tuple[str, ...], path: str
) -> None:
    allow(stage, "203.0.113.0/24")
    client = await stage.to("public")
    got = await client.ask(request("GET", path, "bot.example", *fields))
    assert got.line.startswith("HTTP/1.1 403")
    assert b'"client_denied"' in got.body
    assert b"127.0.0.1" in got.body
    assert EDGE.encode() not in got.body
    assert stage.agent.seen == []
    assert "client 127.0.0.1 is not in inbound.allowCIDRs" in stage.audit()
    await client.close()


async def test_an_empty_list_admits_nobody(stage: Stage) -> None:
    allow(stage)
    client = await stage.to("public")
    assert (await client.get("/", "bot.example")).line.startswith("HTTP/1.1 403")
    await client.close()


async def test_without_inbound_there_is_nothing(stage: Stage) -> None:
    allow(stage, "0.0.0.0/0", port=None)
    client = await stage.to("public")
    for path in ("/", "/.pai/ready"):
        got = await client.get(path, "bot.example", f"x-pai-edge: {EDGE}")
        assert (got.line[:12], got.body) == ("HTTP/1.1 404", b"")
    await client.close()


async def test_our_own_paths_are_the_agents_here(stage: Stage) -> None:
    stage.agent.respond = lambda seen: answer(b"mine")
    client = await stage.to("public")
    got = await client.get("/.pai/ready", "bot.example", f"x-pai-edge: {EDGE}")
    assert got.body == b"mine"
    assert EDGE not in str(stage.agent.seen)
    await client.close()


async def test_the_edge_s_door_does_not_open_to_a_peer_that_is_allowed(stage: Stage) -> None:
    client = await stage.to("inbound")
    assert (await client.get("/", "bot.example")).line.startswith("HTTP/1.1 404")
    await client.close()


async def test_an_agent_that_is_away_is_a_502_without_the_edges_token(stage: Stage) -> None:
    await stage.agent.stop()
    client = await stage.to("public")
    got = await client.get("/", "bot.example")
    assert got.line.startswith("HTTP/1.1 502")
    assert EDGE not in str(got)
    await stage.agent.start()
    await client.close()


async def test_nothing_ambiguous_reaches_the_agent(stage: Stage) -> None:
    async def attack(case: Case) -> None:
        client = await stage.to("public")
        client.writer.write(case.data + request("GET", "/second", "bot.example"))
        answered = await client.rest()
        assert answered.startswith(f"HTTP/1.1 {case.verdict} ".encode()), case.name
        assert answered.count(b"HTTP/1.1 ") == 1, case.name
        await client.close()

    assert len(CORPUS) > 50
    for case in CORPUS:
        await attack(case)
    # a head that is whole may be on its way when its body turns out to be none
    assert all("/second" not in seen.line for seen in stage.agent.seen)


async def test_a_websocket_and_a_stream_pass(stage: Stage) -> None:
    stage.agent.respond = lambda seen: answer(
        b"", "101 Switching Protocols", upgrade="websocket", connection="Upgrade"
    ).replace(b"content-length: 0\r\n", b"")
    client = await stage.to("public")
    fields = ("connection: Upgrade", "upgrade: websocket", "sec-websocket-key: x")
    assert (await client.get("/ws", "bot.example", *fields)).line.startswith("HTTP/1.1 101")
    client.writer.write(b"ping")
    assert await client.reader.readexactly(4) == b"ping"
    await client.close()


async def test_the_local_engine_opens_no_such_port() -> None:
    async with open_stage() as stage:
        assert stage.listeners.bound.public is None
        assert stage.listeners.bound.probes is None


async def test_a_burst_of_clients_is_served(stage: Stage) -> None:
    clients = [await stage.to("public") for _ in range(40)]

    async def ask(client: Client) -> bytes:
        return (await client.get("/", "bot.example")).body

    assert await asyncio.gather(*map(ask, clients)) == [b"ok"] * 40
    for client in clients:
        await client.close()


async def test_who_keeps_a_connection_learns_that_the_pod_goes(stage: Stage) -> None:
    kept = await stage.to("public")
    before = await kept.ask(request("GET", "/", "bot.example"))
    assert before.get("connection") == []
    stage.listeners.leave()
    after = await kept.ask(request("GET", "/", "bot.example"))
    assert (after.body, after.get("connection")) == (b"ok", ["close"])
    late = await stage.to("public")  # balancers may still send some
    assert (await late.ask(request("GET", "/", "bot.example"))).body == b"ok"
    await kept.close()
    await late.close()
