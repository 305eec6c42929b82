"""TLS both ways, and the decision before the handshake."""

import asyncio
import contextlib
import socket
import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wire.certificates import Authority
from tests.unit.wire.kernel import GET_CLOSE, LOCAL, Kernel, until

from pai.ir.snapshot import Network
from pai.wire.acceptor import Accepted, TlsAcceptor
from pai.wire.client import ClientPool, Endpoint
from pai.wire.dial import Dialer
from pai.wire.errors import UpstreamError
from pai.wire.exchange import Exchange
from pai.wire.limits import ClientLimits, ServerLimits
from pai.wire.server import HttpServer
from pai.wire.sockets import listening_socket
from pai.wire.tls import (
    NEED_MORE,
    NOT_TLS,
    ClientHello,
    client_context,
    only_ca_context,
    peek_client_hello,
    server_context,
)
from pai.wire.tunnel import PipeEnd, splice

CA = Authority()
LEAF = CA.leaf("api.example.test", "other.example.test")


def hello(name: str | None, alpn: list[str] | None = None) -> bytes:
    """Return what OpenSSL sends first."""
    context = ssl.create_default_context()
    if alpn:
        context.set_alpn_protocols(alpn)
    context.check_hostname = name is not None
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


HELLO = hello("API.Example.test", ["http/1.1", "h2"])


async def show(exchange: Exchange) -> None:
    await exchange.respond(200, [], f"{exchange.sni}|{exchange.head.path.decode()}".encode())


def secure_pool(port: int, ca: str, name: str = "api.example.test") -> tuple[ClientPool, Endpoint]:
    network = Network(
        nameservers=("127.0.0.1:9",),
        static_hosts={name: f"127.0.0.1:{port}"},
        private_upstreams=LOCAL.private_upstreams,
    )
    pool = ClientPool(Dialer(network, declared=True), client_context(ca), ClientLimits())
    return pool, Endpoint("https", name, 443)


async def test_an_upstream_is_verified_by_the_name_that_was_asked_for(kernel: Kernel) -> None:
    port = await kernel.server(show, tls=server_context(*LEAF))
    pool, at = secure_pool(port, CA.pem)
    response = await pool.send(at, b"GET", b"/x", [])
    assert await response.read(100) == b"None|/x"
    pool.close()


@pytest.mark.parametrize("how", ["unknown authority", "other name", "plain text"])
async def test_an_upstream_that_does_not_prove_itself_is_refused(kernel: Kernel, how: str) -> None:
    pair = CA.leaf("wrong.example.test") if how == "other name" else LEAF
    tls = None if how == "plain text" else server_context(*pair)
    port = await kernel.server(show, tls=tls)
    pool, at = secure_pool(port, Authority().pem if how == "unknown authority" else CA.pem)
    with pytest.raises(UpstreamError) as caught:
        await pool.send(at, b"GET", b"/", [])
    assert caught.value.kind in ("tls", "connect")
    assert caught.value.kind == "tls" or how == "plain text"
    pool.close()


async def test_old_tls_is_refused_both_ways(kernel: Kernel) -> None:
    assert client_context().minimum_version == ssl.TLSVersion.TLSv1_2
    assert only_ca_context(CA.pem).verify_mode == ssl.CERT_REQUIRED
    assert only_ca_context(CA.pem).check_hostname
    assert server_context(*LEAF).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_key_of_another_certificate_is_refused() -> None:
    with pytest.raises(ssl.SSLError):
        server_context(LEAF.cert_pem, CA.leaf("x").key_pem)


async def test_limit_tls_handshake_seconds(kernel: Kernel) -> None:
    port = await kernel.server(
        show, ServerLimits(tls_handshake_seconds=0.3), tls=server_context(*LEAF)
    )
    reader, writer = await kernel.connect(port)
    writer.write(HELLO[:20])
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 20) == b""


# The parser


def test_a_client_hello_is_read() -> None:
    expected = ClientHello("api.example.test", (b"http/1.1", b"h2"))
    assert peek_client_hello(HELLO) == expected
    assert peek_client_hello(HELLO + b"more") == expected
    assert peek_client_hello(hello(None)) == ClientHello(None, ())


def test_every_cut_of_a_client_hello_needs_more() -> None:
    for end in range(len(HELLO)):
        assert peek_client_hello(HELLO[:end]) is NEED_MORE


def test_a_client_hello_in_several_records_is_read() -> None:
    body = HELLO[5:]
    for size in (1, 7, 100):
        parts = [body[i : i + size] for i in range(0, len(body), size)]
        data = b"".join(b"\x16\x03\x01" + len(p).to_bytes(2, "big") + p for p in parts)
        assert peek_client_hello(data) == peek_client_hello(HELLO)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x16\x02\x00\x00\x05\x01",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\xff\xff\x01",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    ],
)
def test_what_is_no_client_hello_is_seen_at_once(data: bytes) -> None:
    assert peek_client_hello(data) is NOT_TLS


@pytest.mark.parametrize("name", [b"a b", b"a\0.example", b"-", b"", b"x" * 300, b"caf\xc3\xa9"])
def test_a_name_that_is_none_is_not_tls(name: bytes) -> None:
    assert peek_client_hello(_hello_with(name)) is NOT_TLS


def _hello_with(name: bytes) -> bytes:
    entry = b"\x00" + len(name).to_bytes(2, "big") + name
    names = len(entry).to_bytes(2, "big") + entry
    extension = b"\x00\x00" + len(names).to_bytes(2, "big") + names
    body = b"\x03\x03" + b"r" * 32 + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    body += len(extension).to_bytes(2, "big") + extension
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake


def test_a_final_dot_is_no_part_of_the_name() -> None:
    assert peek_client_hello(_hello_with(b"A.test.")) == ClientHello("a.test", ())


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, len(HELLO) - 1), value=st.integers(0, 255), end=st.integers(0, 2000))
def test_no_bytes_break_the_parser(place: int, value: int, end: int) -> None:
    data = HELLO[:place] + bytes([value]) + HELLO[place + 1 :]
    answer = peek_client_hello(data[:end])
    assert answer in (NEED_MORE, NOT_TLS) or isinstance(answer, ClientHello)
    peek_client_hello(b"\x16\x03\x01" + data[place:])


# The acceptor


async def start(policy_sees: list[Accepted], server: HttpServer, upstream: int) -> int:
    context = server_context(*LEAF)
    dialer = Dialer(LOCAL, declared=True)

    async def policy(accepted: Accepted) -> None:
        policy_sees.append(accepted)
        name = accepted.hello.sni if isinstance(accepted.hello, ClientHello) else None
        if name == "api.example.test":
            await server.adopt(accepted.sock, context, sni=name)
        elif name == "pass.example.test":
            at = Endpoint("http", "127.0.0.1", upstream)
            _, end = await dialer.connect(at, PipeEnd)
            await splice(accepted.sock, end)
        else:
            accepted.sock.close()

    sock = listening_socket("127.0.0.1", 0)
    await server.listen_socket(sock, on_accept=TlsAcceptor(policy, hello_seconds=0.5))
    return int(sock.getsockname()[1])


async def test_the_acceptor_adopts_tunnels_or_closes_by_name(kernel: Kernel) -> None:
    other = CA.leaf("pass.example.test")

    async def upstream(exchange: Exchange) -> None:
        await exchange.respond(200, [], b"through")

    upstream_port = await kernel.server(upstream, tls=server_context(*other))
    server = HttpServer(show)
    seen: list[Accepted] = []
    port = await start(seen, server, upstream_port)
    trust = only_ca_context(CA.pem)
    for name, expected in (
        ("api.example.test", b"api.example.test|/x"),
        ("pass.example.test", b"through"),
    ):
        reader, writer = await kernel.connect(port, trust, name)
        writer.write(GET_CLOSE)
        assert (await asyncio.wait_for(reader.read(), 20)).endswith(expected)
        writer.close()
    with pytest.raises((ConnectionError, ssl.SSLError)):
        await kernel.connect(port, trust, "evil.example.test")
    reader, writer = await kernel.connect(port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 20) == b""
    assert [a.hello if a.hello is NOT_TLS else "hello" for a in seen[2:]] == ["hello", NOT_TLS]
    await server.drain(1)


async def test_a_hello_that_dribbles_is_waited_for_and_a_stalled_one_is_closed(
    kernel: Kernel,
) -> None:
    server = HttpServer(show)
    seen: list[Accepted] = []
    port = await start(seen, server, 1)
    _, writer = await kernel.connect(port)
    for start_at in range(0, len(HELLO), 100):
        writer.write(HELLO[start_at : start_at + 100])
        await asyncio.sleep(0.01)
    await until(lambda: len(seen) == 1)
    assert isinstance(seen[0].hello, ClientHello)
    reader, stalled = await kernel.connect(port)
    stalled.write(HELLO[:50])
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 20) == b""
    assert len(seen) == 1
    await server.drain(1)


async def test_splice_passes_large_data_and_half_closes(kernel: Kernel) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read()  # to the end, which only a half-close brings
        writer.write(b"%d" % len(data))
        await writer.drain()

    port = await kernel.scripted(swallow)
    dialer = Dialer(LOCAL, declared=True)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    _, end = await dialer.connect(Endpoint("http", "127.0.0.1", port), PipeEnd)
    task = asyncio.ensure_future(splice(theirs, end, initial=b"abc"))
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.write(b"x" * 5_000_000)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 20) == b"5000003"
    result = await asyncio.wait_for(task, 20)
    assert (result.bytes_up, result.bytes_down) == (5_000_003, 7)
    writer.close()
