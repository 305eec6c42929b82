"""The edge as a client meets it: over sockets, with attacks."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from tests.unit.wire.kernel import Kernel, read_response, until

from pai.edge.ports import Ports
from pai.edge.process import CLIENT_LIMITS, parse
from pai.edge.router import Router
from pai.ir.snapshot import EdgeRoute, EdgeSnapshot
from pai.wire import log
from pai.wire.client import ClientPool
from pai.wire.dial import FixedDialer
from pai.wire.exchange import Exchange
from pai.wire.limits import ServerLimits

TOKEN = "edge-token-of-the-agent"


class Edge:
    """An edge with one agent, whose sidecar shows what reaches it."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.pool = ClientPool(FixedDialer(), limits=CLIENT_LIMITS)
        self.router = Router(self.pool)
        self.seen: list[Exchange] = []
        self.port = 0

    async def sidecar(self, exchange: Exchange) -> None:
        self.seen.append(exchange)
        headers = [[n.decode(), v.decode()] for n, v in exchange.head.headers]
        await exchange.respond(200, [], json.dumps(headers).encode())

    def route(self, *replicas: str, **changes: object) -> EdgeRoute:
        route = EdgeRoute(
            agent="default/a",
            host_id="abc",
            replicas=replicas,
            allow_cidrs=("127.0.0.0/8",),
            edge_token=TOKEN,
            inbound_port=8000,
        )
        return msgspec.structs.replace(route, **changes)

    def apply(self, *routes: EdgeRoute, **changes: object) -> None:
        version = self.router.table.version + 1
        snapshot = EdgeSnapshot(version=version, routes=routes)
        self.router.apply(msgspec.structs.replace(snapshot, **changes))

    async def get(
        self, *fields: bytes, host: bytes = b"abc.localhost", path: bytes = b"/"
    ) -> tuple[bytes, bytes]:
        lines = [b"GET " + path + b" HTTP/1.1", b"Host: " + host, *fields, b"Connection: close"]
        answer = await self.kernel.ask(self.port, b"\r\n".join(lines) + b"\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        return head, body


@pytest_asyncio.fixture
async def edge(kernel: Kernel) -> AsyncIterator[Edge]:
    edge = Edge(kernel)
    log.configure(lambda line: None)
    edge.port = await kernel.server(edge.router.by_host)
    yield edge
    edge.pool.close()
    log.configure()


async def sidecar(edge: Edge) -> str:
    return f"127.0.0.1:{await edge.kernel.server(edge.sidecar)}"


async def test_a_request_reaches_its_agent_with_what_the_edge_vouches_for(edge: Edge) -> None:
    edge.apply(edge.route(await sidecar(edge)))
    head, body = await edge.get(b"X-Mine: 1", host=b"ABC.localhost:8090", path=b"/x?y=1")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body) == [
        ["host", "ABC.localhost:8090"],
        ["x-mine", "1"],
        ["x-forwarded-for", "127.0.0.1"],
        ["x-forwarded-proto", "http"],
        ["x-forwarded-host", "ABC.localhost:8090"],
        ["x-pai-edge", TOKEN],
    ]
    assert edge.seen[0].head.target == b"/x?y=1"


@pytest.mark.parametrize(
    "field",
    [
        b"X-Pai-Edge: forged",
        b"x-PAI-edge: forged",
        b"X-Pai-Anything: forged",
        b"X-Forwarded-For: forged",
        b"X-Forwarded-Host: forged",
        b"X-Forwarded-Proto: forged",
        b"X-Real-IP: forged",
        b"Forwarded: for=forged",
        b"Connection: x-pai-edge, forged",
    ],
)
async def test_what_a_client_says_about_itself_is_not_passed_on(edge: Edge, field: bytes) -> None:
    edge.apply(edge.route(await sidecar(edge)))
    head, body = await edge.get(field)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"forged" not in body
    assert [value for name, value in json.loads(body) if name == "x-pai-edge"] == [TOKEN]


async def test_the_token_never_comes_back(edge: Edge) -> None:
    edge.apply(edge.route())
    head, body = await edge.get()
    assert TOKEN.encode() not in head + body


@pytest.mark.parametrize(
    "host",
    [b"other.localhost", b"localhost", b"abc.localhost.evil.test", b"abc", b"x.abc.localhost",
     b"127.0.0.1", b"[::1]", b"abc-localhost"],
)  # fmt: skip
async def test_unknown_hosts_are_404(edge: Edge, host: bytes) -> None:
    edge.apply(edge.route(await sidecar(edge)))
    head, body = await edge.get(host=host)
    assert head.startswith(b"HTTP/1.1 404 ")
    assert json.loads(body)["error"]["code"] == "unknown_host"
    assert edge.seen == []


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET / HTTP/1.1\r\nHost: abc.localhost\r\nHost: def.localhost\r\n\r\n",
        b"GET http://def.localhost/ HTTP/1.1\r\nHost: abc.localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: abc.localhost@def.localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: abc.localhost.\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: abc.localhost\t.evil\r\n\r\n",
    ],
)
async def test_ambiguous_hosts_are_400(edge: Edge, request_text: bytes) -> None:
    edge.apply(edge.route(await sidecar(edge)))
    assert (await edge.kernel.ask(edge.port, request_text)).startswith(b"HTTP/1.1 400 ")
    assert edge.seen == []


async def test_only_listed_addresses_come_in(edge: Edge) -> None:
    at = await sidecar(edge)
    for cidrs, status in (
        (("127.0.0.1/32",), b"200"),
        (("10.0.0.0/8",), b"403"),
        ((), b"403"),
        (("0.0.0.0/0",), b"200"),
        (("::/0",), b"403"),
    ):
        edge.apply(edge.route(at, allow_cidrs=cidrs))
        head, body = await edge.get(b"X-Forwarded-For: 10.0.0.1")
        assert head.split()[1] == status, cidrs
        if status == b"403":
            assert "allowCIDRs" in json.loads(body)["error"]["message"]


async def test_a_trusted_proxy_speaks_for_its_client(edge: Edge) -> None:
    edge.apply(
        edge.route(await sidecar(edge), allow_cidrs=("9.9.9.0/24",)),
        trusted_proxies=("127.0.0.1/32",),
    )
    for forwarded, status in (
        (b"9.9.9.9", b"200"),
        (b"8.8.8.8", b"403"),
        (b"9.9.9.9, 8.8.8.8", b"403"),
        (b"garbage", b"403"),
    ):
        head, body = await edge.get(b"X-Forwarded-For: " + forwarded, b"X-Forwarded-Proto: https")
        assert head.split()[1] == status, forwarded
        if status == b"200":
            fields = dict(json.loads(body))
            assert (fields["x-forwarded-for"], fields["x-forwarded-proto"]) == ("9.9.9.9", "https")
    head, _ = await edge.get()
    assert head.split()[1] == b"403"  # the proxy itself is not in the list


async def test_an_ipv4_client_on_a_dual_listener_is_known_by_its_ipv4_address(edge: Edge) -> None:
    edge.apply(edge.route(await sidecar(edge)))
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", 0))
    sock.listen()
    await edge.kernel._servers[0].listen_socket(sock)
    edge.port = sock.getsockname()[1]
    head, body = await edge.get()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert dict(json.loads(body))["x-forwarded-for"] == "127.0.0.1"


async def test_no_replica_is_a_503_for_programs_and_people(edge: Edge) -> None:
    edge.apply(edge.route())
    head, body = await edge.get()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 2" in head
    assert json.loads(body)["error"]["code"] == "no_replica"
    head, body = await edge.get(b"Accept: text/html,*/*")
    assert b"text/html" in head
    assert b"<!doctype html>" in body
    edge.apply(edge.route(paused=True))
    _, body = await edge.get()
    assert json.loads(body)["error"]["code"] == "paused"


async def test_before_the_first_snapshot_the_edge_says_so(edge: Edge) -> None:
    head, body = await edge.get()
    assert head.startswith(b"HTTP/1.1 503 ")
    assert json.loads(body)["error"]["code"] == "starting"
    head, _ = await edge.get(host=b"localhost", path=b"/healthz")
    assert head.startswith(b"HTTP/1.1 503 ")
    edge.apply()
    head, body = await edge.get(host=b"localhost", path=b"/healthz")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body) == {"ready": True, "version": 1, "failedPorts": {}}


async def test_replicas_share_the_work_and_a_dead_one_is_passed_over(edge: Edge) -> None:
    replicas = [await sidecar(edge) for _ in range(2)]
    edge.apply(edge.route(*replicas, "127.0.0.1:1"))
    for _ in range(12):
        head, _ = await edge.get()
        assert head.startswith(b"HTTP/1.1 200 ")
    ports = {exchange.local[1] for exchange in edge.seen}
    assert len(ports) == 2


async def test_the_least_busy_replica_is_asked(edge: Edge) -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(3600)

    busy = f"127.0.0.1:{await edge.kernel.server(slow)}"
    edge.apply(edge.route(busy))
    _, writer = await edge.kernel.connect(edge.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: abc.localhost\r\n\r\n")
    await until(lambda: bool(edge.router._running))
    edge.apply(edge.route(busy, await sidecar(edge)))
    for _ in range(4):
        head, _ = await edge.get()
        assert head.startswith(b"HTTP/1.1 200 ")


async def test_all_replicas_dead_is_a_502(edge: Edge) -> None:
    edge.apply(edge.route("127.0.0.1:1"))
    head, body = await edge.get()
    assert head.startswith(b"HTTP/1.1 502 ")
    assert json.loads(body)["error"]["code"] == "bad_gateway"
    assert edge.router._running == {}


async def test_a_request_that_was_sent_is_not_sent_twice(edge: Edge) -> None:
    count = 0

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await reader.readuntil(b"\r\n\r\n")

    ports = [await edge.kernel.scripted(drop) for _ in range(2)]
    edge.apply(edge.route(*(f"127.0.0.1:{port}" for port in ports)))
    head, _ = await edge.get()
    assert head.startswith(b"HTTP/1.1 502 ")
    assert count == 1


async def test_server_sent_events_and_websockets_pass(edge: Edge) -> None:
    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert TOKEN.encode() in head
        if b"upgrade: websocket" in head:
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                b"Upgrade: websocket\r\n\r\n"
            )
            writer.write(await reader.readexactly(4))
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            writer.write(b"data: 1\n\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()

    edge.apply(edge.route(f"127.0.0.1:{await edge.kernel.scripted(upstream)}"))
    reader, writer = await edge.kernel.connect(edge.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: abc.localhost\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    assert await asyncio.wait_for(reader.readexactly(14), 20) == b"9\r\ndata: 1\n\n\r\n"
    reader, writer = await edge.kernel.connect(edge.port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: abc.localhost\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\n\r\n"
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"ping")
    assert await asyncio.wait_for(reader.readexactly(4), 20) == b"ping"


# Public ports


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_public_ports_follow_the_table(edge: Edge) -> None:
    ports = Ports(edge.router.by_port, ServerLimits())
    edge.router.failed_ports = ports.failed
    at, one, taken = await sidecar(edge), free_port(), free_port()
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", taken))
        squatter.listen()
        edge.apply(
            edge.route(at, public_port=taken),
            edge.route(at, host_id="def", public_port=one),
        )
        await ports.apply("127.0.0.1", frozenset(edge.router.table.by_port))
        assert list(ports.failed) == [taken]
        _, body = await edge.get(host=b"localhost", path=b"/healthz")
        assert str(taken) in json.loads(body)["failedPorts"]
        reader, writer = await edge.kernel.connect(one)
        writer.write(b"GET / HTTP/1.1\r\nHost: whatever.example\r\n\r\n")
        head, _ = await read_response(reader)
        assert head.startswith(b"HTTP/1.1 200 ")
        writer.close()
    await ports.apply("127.0.0.1", frozenset(edge.router.table.by_port))
    assert ports.failed == {}
    await ports.apply("127.0.0.1", frozenset({taken}))
    with pytest.raises(ConnectionRefusedError):
        await edge.kernel.connect(one)
    await ports.drain(0.1)
    with pytest.raises(ConnectionRefusedError):
        await edge.kernel.connect(taken)


def test_the_command_line() -> None:
    options = parse(["--data", "/d", "--worker", "1", "--listen", "0.0.0.0:80"])
    assert (str(options.data), options.worker, options.listen) == ("/d", 1, [("0.0.0.0", 80)])
    with pytest.raises(SystemExit):
        parse(["--data", "/d", "--bootstrap", "/b"])
