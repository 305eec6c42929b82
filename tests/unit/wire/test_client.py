"""The pool: reuse, isolation, stale connections, its bounds."""

import asyncio

import pytest
from tests.unit.wire.kernel import Kernel, until

from pai.wire.client import ClientPool, Endpoint
from pai.wire.errors import PayloadTooLarge, UpstreamError
from pai.wire.exchange import Exchange
from pai.wire.limits import ClientLimits

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def whoami(exchange: Exchange) -> None:
    await exchange.read_body(1 << 20)
    await exchange.respond(200, [], b"%d" % exchange.peer[1])


async def fetch(pool: ClientPool, endpoint: Endpoint, body: bytes | None = None) -> bytes:
    response = await pool.send(endpoint, b"POST" if body else b"GET", b"/", [], body)
    return await response.read(1 << 20)


async def test_a_connection_is_used_again(kernel: Kernel) -> None:
    at = Endpoint("http", "127.0.0.1", await kernel.server(whoami))
    pool = kernel.pool()
    assert len({await fetch(pool, at) for _ in range(5)}) == 1
    assert pool.connections == pool.idle == 1


async def test_partitions_never_share_a_connection(kernel: Kernel) -> None:
    port = await kernel.server(whoami)
    pool = kernel.pool()
    seen: dict[str, set[bytes]] = {}
    for _ in range(3):
        for partition in ("a", "b", ""):
            at = Endpoint("http", "127.0.0.1", port, partition)
            seen.setdefault(partition, set()).add(await fetch(pool, at))
    assert [len(ports) for ports in seen.values()] == [1, 1, 1]
    assert len(set.union(*seen.values())) == 3


async def test_a_stale_connection_is_replaced_once(kernel: Kernel) -> None:
    count = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")  # reads the next request, then closes

    at = Endpoint("http", "127.0.0.1", await kernel.scripted(once))
    pool = kernel.pool()
    assert await fetch(pool, at) == b"ok"
    assert await fetch(pool, at) == b"ok"
    assert count == 2


async def test_a_fresh_connection_that_closes_is_an_error(kernel: Kernel) -> None:
    count = 0

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await reader.readuntil(b"\r\n\r\n")

    pool = kernel.pool()
    with pytest.raises(UpstreamError) as caught:
        await fetch(pool, Endpoint("http", "127.0.0.1", await kernel.scripted(never)))
    assert (caught.value.kind, caught.value.sent, count) == ("connect", True, 1)


async def test_a_connection_that_broke_within_an_answer_is_not_replaced(kernel: Kernel) -> None:
    count = 0

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 ")
        await writer.drain()

    at = Endpoint("http", "127.0.0.1", await kernel.scripted(half))
    pool = kernel.pool()
    await fetch(pool, at)
    with pytest.raises(UpstreamError):
        await fetch(pool, at)
    assert count == 1


async def test_bytes_that_answer_nothing_end_the_connection(kernel: Kernel) -> None:
    async def surplus(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        await writer.drain()
        await reader.read()

    at = Endpoint("http", "127.0.0.1", await kernel.scripted(surplus))
    pool = kernel.pool()
    for _ in range(3):
        assert await fetch(pool, at) == b"ok"
    await until(lambda: pool.idle == 0)


async def test_late_surplus_ends_an_idle_connection(kernel: Kernel) -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        await writer.drain()
        await reader.read()

    at = Endpoint("http", "127.0.0.1", await kernel.scripted(late))
    pool = kernel.pool()
    await fetch(pool, at)
    assert pool.idle == 1
    await until(lambda: pool.connections == 0)
    assert await fetch(pool, at) == b"ok"


async def test_read_refuses_more_than_its_limit(kernel: Kernel) -> None:
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100
    pool = kernel.pool()
    at = Endpoint("http", "127.0.0.1", await kernel.canned(big))
    response = await pool.send(at, b"GET", b"/", [])
    with pytest.raises(PayloadTooLarge):
        await response.read(99)


async def test_framing_and_hop_by_hop_fields_of_the_caller_are_not_sent(kernel: Kernel) -> None:
    async def show(exchange: Exchange) -> None:
        body = await exchange.read_body(100)
        names = b",".join(name for name, _ in exchange.head.headers)
        await exchange.respond(200, [], names + b"|" + body)

    pool = kernel.pool()
    at = Endpoint("http", "127.0.0.1", await kernel.server(show))
    mean = [
        (b"content-length", b"99"),
        (b"transfer-encoding", b"chunked"),
        (b"connection", b"close"),
        (b"x", b"1"),
    ]
    response = await pool.send(at, b"POST", b"/", mean, b"abc")
    assert await response.read(100) == b"host,x|abc"


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (b"/ HTTP/1.1\r\nX: 1", []),
        (b"/a b", []),
        (b"http://b/", []),
        (b"", []),
        (b"/", [(b"x", b"a\r\nhost: b")]),
        (b"/", [(b"x\r\ny", b"a")]),
        (b"/", [(b"x", b"a\nb")]),
        (b"/", [(b"x", b"a\0b")]),
        (b"/", [(b"host", b"a"), (b"host", b"b")]),
    ],
)
async def test_a_head_that_would_be_two_is_not_sent(
    kernel: Kernel, target: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    pool = kernel.pool()
    with pytest.raises(ValueError, match=r"sent|Host|line end"):
        await pool.send(Endpoint("http", "127.0.0.1", 1), b"GET", target, headers)


async def test_nothing_listens(kernel: Kernel) -> None:
    with pytest.raises(UpstreamError) as caught:
        await fetch(kernel.pool(), Endpoint("http", "127.0.0.1", 1))
    assert (caught.value.kind, caught.value.sent) == ("connect", False)


async def test_limit_keep_alive_seconds_of_the_pool(kernel: Kernel) -> None:
    at = Endpoint("http", "127.0.0.1", await kernel.server(whoami))
    pool = kernel.pool(ClientLimits(keep_alive_seconds=0.2))
    await fetch(pool, at)
    assert pool.idle == 1
    await until(lambda: pool.connections == 0)


async def test_limit_idle_per_endpoint_and_in_all(kernel: Kernel) -> None:
    ports = [await kernel.server(whoami) for _ in range(3)]
    pool = kernel.pool(ClientLimits(idle_per_endpoint=2, idle_connections=3))
    one = Endpoint("http", "127.0.0.1", ports[0])
    await asyncio.gather(*(fetch(pool, one) for _ in range(5)))
    assert pool.idle == 2
    for port in ports[1:]:
        await fetch(pool, Endpoint("http", "127.0.0.1", port))
    assert pool.idle == 3
    await until(lambda: pool.connections == 3)


async def test_limit_connections_of_the_pool(kernel: Kernel) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    at = Endpoint("http", "127.0.0.1", await kernel.scripted(hang))
    pool = kernel.pool(ClientLimits(connections=1))
    first = asyncio.ensure_future(fetch(pool, at))
    await until(lambda: pool.connections == 1)
    with pytest.raises(UpstreamError) as caught:
        await fetch(pool, at)
    assert caught.value.kind == "refused"
    first.cancel()
    await until(lambda: pool.connections == 0)


async def test_limit_connect_seconds(kernel: Kernel) -> None:
    # a listener whose backlog is full does not answer
    import socket

    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        clients = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            clients.append(client)
        await asyncio.sleep(0.05)
        pool = kernel.pool(ClientLimits(connect_seconds=0.3))
        with pytest.raises(UpstreamError) as caught:
            await fetch(pool, Endpoint("http", "127.0.0.1", port))
        assert caught.value.kind == "timeout"
        for client in clients:
            client.close()


async def test_limits_of_response_heads(kernel: Kernel) -> None:
    pool = kernel.pool(ClientLimits(head_bytes=300, head_fields=5))
    for fields in (b"X: " + b"x" * 400 + b"\r\n", b"X: 1\r\n" * 6):
        port = await kernel.canned(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")
        with pytest.raises(UpstreamError) as caught:
            await fetch(pool, Endpoint("http", "127.0.0.1", port))
        assert caught.value.kind == "protocol"


async def test_a_unix_socket_is_an_endpoint(kernel: Kernel, tmp_path_factory: object) -> None:
    import tempfile

    from pai.wire.server import HttpServer

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        server = HttpServer(whoami)
        await server.listen_unix(f"{folder}/s")
        pool = kernel.pool()
        assert await fetch(pool, Endpoint("unix", f"{folder}/s")) == b"0"
        pool.close()
        await server.drain(1)


async def test_cancelling_a_request_closes_its_connection(kernel: Kernel) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    pool = kernel.pool()
    at = Endpoint("http", "127.0.0.1", await kernel.scripted(hang))
    task = asyncio.ensure_future(fetch(pool, at))
    await until(lambda: pool.connections == 1)
    await asyncio.sleep(0.05)
    task.cancel()
    await until(lambda: pool.connections == 0)


async def test_many_requests_at_once_each_get_their_own_answer(kernel: Kernel) -> None:
    async def echo(exchange: Exchange) -> None:
        await exchange.respond(200, [], await exchange.read_body(1 << 20))

    at = Endpoint("http", "127.0.0.1", await kernel.server(echo))
    pool = kernel.pool(ClientLimits(idle_per_endpoint=4))

    async def ask(worker: int) -> None:
        for turn in range(60):
            body = b"%d/%d" % (worker, turn)
            assert await fetch(pool, at, body) == body

    async with asyncio.timeout(60):
        await asyncio.gather(*(ask(worker) for worker in range(20)))
    assert pool.connections == pool.idle <= 4


async def test_a_request_cancelled_as_its_answer_comes_harms_no_other(kernel: Kernel) -> None:
    async def echo(exchange: Exchange) -> None:
        await exchange.respond(200, [], await exchange.read_body(1 << 20))

    at = Endpoint("http", "127.0.0.1", await kernel.server(echo))
    pool = kernel.pool()

    async def ask(worker: int) -> None:
        body = b"%d" % worker
        assert await fetch(pool, at, body) == body

    async with asyncio.timeout(60):
        for turn in range(200):
            tasks = [asyncio.ensure_future(ask(worker)) for worker in range(4)]
            for _ in range(turn % 8):
                await asyncio.sleep(0)
            tasks[0].cancel()
            await asyncio.gather(*tasks[1:])
            await asyncio.gather(tasks[0], return_exceptions=True)
