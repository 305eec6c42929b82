"""The probes' port: open to the whole cluster, so it must say nothing and cost little."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.unit.sidecar.stage import (
    EDGE,
    POD_PORTS,
    Client,
    Seen,
    Stage,
    answer,
    open_stage,
    request,
)

from pai.sidecar.audit import AuditLog
from pai.sidecar.listeners import Listeners
from pai.sidecar.state import State
from pai.wire.limits import ServerLimits
from pai.wire.probes import PROBE_LIMITS

PATHS = ("/healthz", "/ready/deep", "/q?a=1")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage(ports=POD_PORTS) as opened:
        inbound = msgspec.structs.replace(opened.snapshot.inbound, probe_paths=PATHS)
        opened.apply(msgspec.structs.replace(opened.snapshot, version=2, inbound=inbound))
        yield opened


async def probe(stage: Stage, path: str, method: str = "GET", *fields: str) -> Seen:
    client = await stage.to("probes")
    try:
        return await client.ask(request(method, path, "10.0.0.7:8084", *fields))
    finally:
        await client.close()


def status(got: Seen) -> int:
    return int(got.line.split()[1])


async def test_a_listed_path_gives_the_agents_status_and_no_more(stage: Stage) -> None:
    stage.agent.respond = lambda seen: answer(
        b"secret of the agent", "418 I'm a teapot", server="theirs", set_cookie="a=b", x_pai_x="1"
    )
    for path in PATHS:
        got = await probe(stage, f"/probe{path}", "GET", "authorization: Bearer x", "cookie: c=d")
        assert (status(got), got.headers, got.body) == (418, [("content-length", "0")], b"")
        assert stage.agent.seen[-1].line == f"GET {path} HTTP/1.1"
    names = {name for seen in stage.agent.seen for name, _ in seen.headers}
    assert names == {"host", "user-agent", "accept"}


async def test_a_redirect_of_the_agent_leads_nowhere(stage: Stage) -> None:
    stage.agent.respond = lambda seen: answer(b"", "302 Found", location="http://169.254.169.254/")
    got = await probe(stage, "/probe/healthz")
    assert (status(got), got.get("location")) == (302, [])
    assert len(stage.agent.seen) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/healthz",
        "/probe",
        "/probe/",
        "/probe//healthz",
        "/probe/healthz/",
        "/probe/healthz?",
        "/probe/healthz?x=1",
        "/probe/HEALTHZ",
        "/probe/%68ealthz",
        "/probe/healthz%00",
        "/probe/healthz;x",
        "/probe/./healthz",
        "/probe/x/../healthz",
        "/probe/healthz/..",
        "/probe/healthz/../admin",
        "/probe/%2e%2e/admin",
        "/probe/../probe/healthz",
        "/x/../probe/healthz",
        "//probe/healthz",
        "/probe/admin",
        "/probe/ready",
        "/probe/q",
        "/probe/q?a=1&b=2",
        "/probe/.pai/ready",
        "/.pai/ready",
        "/livez/",
        "/livez?x",
        "/readyz/..",
        "/metrics",
    ],
)
async def test_what_is_not_listed_never_reaches_the_agent(stage: Stage, path: str) -> None:
    for method in ("GET", "HEAD"):
        got = await probe(stage, path, method, f"x-pai-edge: {EDGE}")
        assert (status(got), got.headers, got.body) == (404, [("content-length", "0")], b"")
    assert stage.agent.connections == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
async def test_other_methods_are_404(stage: Stage, method: str) -> None:
    for path in ("/livez", "/readyz", "/probe/healthz"):
        assert status(await probe(stage, path, method)) == 404
    assert stage.agent.connections == 0


async def test_a_path_that_is_no_longer_listed_is_404(stage: Stage) -> None:
    inbound = msgspec.structs.replace(stage.snapshot.inbound, probe_paths=("healthz", "/other"))
    stage.apply(msgspec.structs.replace(stage.snapshot, version=3, inbound=inbound))
    assert status(await probe(stage, "/probe/healthz")) == 404
    assert status(await probe(stage, "/probehealthz")) == 404
    assert status(await probe(stage, "/probe/other")) == 200


async def test_readiness_is_that_the_agent_listens(stage: Stage) -> None:
    assert status(await probe(stage, "/readyz")) == 200
    assert status(await probe(stage, "/readyz", "HEAD")) == 200
    await stage.agent.stop()
    assert status(await probe(stage, "/readyz")) == 503
    assert status(await probe(stage, "/probe/healthz")) == 503
    assert status(await probe(stage, "/livez")) == 200
    inbound = msgspec.structs.replace(stage.snapshot.inbound, port=None)
    stage.apply(msgspec.structs.replace(stage.snapshot, version=3, inbound=inbound))
    assert status(await probe(stage, "/readyz")) == 200
    assert status(await probe(stage, "/probe/healthz")) == 404
    await stage.agent.start()


async def test_an_agent_that_hangs_costs_nothing_once_the_engine_gives_up(stage: Stage) -> None:
    stage.agent.pause_seconds = lambda seen: 3600.0
    client = await stage.to("probes")
    client.writer.write(request("GET", "/probe/healthz", "x"))
    async with asyncio.timeout(5):
        while not stage.agent.seen:
            await asyncio.sleep(0.01)
        await client.close()
        while stage.sidecar.state.near.connections:
            await asyncio.sleep(0.01)


async def test_an_endless_answer_of_the_agent_is_cut(stage: Stage) -> None:
    endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    stage.agent.chunks = [endless, *[b"8000\r\n" + b"x" * 0x8000 + b"\r\n"] * 1000]
    assert status(await probe(stage, "/probe/healthz")) == 200
    assert stage.sidecar.state.near.connections == 0


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (b"GET /livez HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 5000 + b"\r\n\r\n", b" 431 "),
        (b"GET /livez HTTP/1.1\r\nhost: x\r\n" + b"x: a\r\n" * 40 + b"\r\n", b" 431 "),
        (b"GET /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello", b" 413 "),
        (
            b"GET /livez HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
            b" 413 ",
        ),
        (
            b"GET /probe/healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n"
            b"transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /probe/admin HTTP/1.1\r\n\r\n",
            b" 400 ",
        ),
        (b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", b" 405 "),
        (b"GET http://evil.test/livez HTTP/1.1\r\nhost: x\r\n\r\n", b" 400 "),
        (b"\x16\x03\x01\x02\x00\x01", b""),
    ],
)
async def test_what_is_too_large_or_ambiguous_is_refused(
    stage: Stage, data: bytes, verdict: bytes
) -> None:
    client = await stage.to("probes")
    client.writer.write(data)
    got = await client.rest()
    assert verdict in got.split(b"\r\n")[0] + b" "
    assert stage.agent.seen == []
    await client.close()


async def test_a_slow_probe_is_closed_soon(stage: Stage) -> None:
    clients = [await stage.to("probes") for _ in range(3)]
    clients[1].writer.write(b"GET /livez HTTP/1.1\r\n")
    began = asyncio.get_running_loop().time()
    for client in clients:
        await client.rest()
        await client.close()
    assert asyncio.get_running_loop().time() - began < PROBE_LIMITS.head_seconds + 1.5


async def test_one_address_can_not_take_every_place(stage: Stage) -> None:
    most = PROBE_LIMITS.connections_per_peer
    assert most is not None
    held = [await stage.to("probes") for _ in range(most)]
    for client in held:
        client.writer.write(b"GET /li")
    await asyncio.sleep(0.1)
    beyond = await stage.to("probes")
    assert await beyond.rest() == b""
    there = (socket.AF_INET, ("127.0.0.1", stage.listeners.bound.probes))
    with socket.socket(there[0], socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        sock.bind(("127.0.0.2", 0))  # the engine, from an address of its own
        await asyncio.get_running_loop().sock_connect(sock, there[1])
        engine = Client(*await asyncio.open_connection(sock=sock))
        assert status(await engine.get("/livez", "x")) == 200
        await engine.close()
    for client in (*held, beyond):
        await client.close()


@asynccontextmanager
async def early() -> AsyncIterator[Listeners]:
    def none_yet() -> State:
        raise AssertionError("there is no snapshot yet")

    listeners = Listeners(POD_PORTS, none_yet, AuditLog(lambda line: None), ServerLimits())
    listeners.bind()
    await listeners.start_probes()
    try:
        yield listeners
    finally:
        await listeners.stop(0.1)


async def test_before_the_first_snapshot_probes_say_so_and_every_port_is_taken() -> None:
    async with early() as listeners:
        bound = listeners.bound
        client = Client(*await asyncio.open_connection("127.0.0.1", bound.probes))
        for path, expected in (("/livez", 503), ("/readyz", 503), ("/probe/healthz", 404)):
            assert status(await client.get(path, "x")) == expected
        await client.close()
        for port in (bound.public, bound.inbound, bound.plain, bound.tls, bound.models):
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            assert port is not None
            for host in ("127.0.0.1", "0.0.0.0"):
                assert can_not_listen(host, port), port


def can_not_listen(host: str, port: int) -> bool:
    """Try what an agent could, with every option that lets sockets share a port."""
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
            try:
                sock.bind((host, port))
                sock.listen()
            except OSError:
                continue
            return False
    return True


async def test_at_the_end_readiness_goes_and_liveness_stays(stage: Stage) -> None:
    stage.agent.chunks = [b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n", *[b"x"] * 40]
    slow = await stage.to("inbound")
    fields = (f"x-pai-edge: {EDGE}", "x-forwarded-for: 203.0.113.7")
    slow.writer.write(request("GET", "/", "x", *fields))
    await slow.reader.readuntil(b"\r\n\r\n")
    stopping = asyncio.ensure_future(stage.listeners.stop(5.0))
    await asyncio.sleep(0.05)
    assert status(await probe(stage, "/readyz")) == 503
    assert status(await probe(stage, "/livez")) == 200
    assert (await slow.rest()).endswith(b"x" * 40)
    await stopping
    await slow.close()
