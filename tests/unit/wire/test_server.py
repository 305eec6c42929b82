"""The real server: the corpus over a socket, limits, pipelining, draining."""

import asyncio
import json

import pytest
from tests.unit.wire.corpus_file import Case, load
from tests.unit.wire.kernel import GET, GET_CLOSE, Kernel, read_response, until

from pai.wire import log
from pai.wire.errors import Malformed
from pai.wire.exchange import Exchange
from pai.wire.limits import ServerLimits
from pai.wire.server import HttpServer

REQUESTS = load("requests")


async def echo(exchange: Exchange) -> None:
    body = await exchange.read_body(1 << 20)
    head = exchange.head
    seen = {
        "method": head.method.decode(),
        "target": head.target.decode(),
        "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in head.headers],
        "body": body.decode("latin-1"),
    }
    await exchange.respond(200, [(b"content-type", b"application/json")], json.dumps(seen).encode())


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case.name)
async def test_the_corpus_over_a_socket(kernel: Kernel, case: Case) -> None:
    calls = 0

    async def handler(exchange: Exchange) -> None:
        nonlocal calls
        await exchange.read_body(1 << 20)
        calls += 1
        await exchange.respond(200, [], b"ok")

    port = await kernel.server(handler)
    # a second, marked request follows: it must never be answered after a refused first one
    reader, writer = await kernel.connect(port)
    writer.write(case.data + GET_CLOSE)
    answer = await asyncio.wait_for(reader.read(), 20)
    if case.verdict == "accept":
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert calls in (1, 2)  # HTTP/1.0 closes after the first
    else:
        assert answer.startswith(b"HTTP/1.1 %d " % int(case.verdict))
        assert b"connection: close\r\n" in answer
        assert answer.count(b"HTTP/1.1 ") == 1
        assert calls == 0
    writer.close()
    await until(lambda: kernel.last_server.connections == 0)


async def test_a_request_cut_off_in_its_body_is_never_handled(kernel: Kernel) -> None:
    seen: list[str] = []

    async def handler(exchange: Exchange) -> None:
        try:
            await exchange.read_body(1 << 20)
        finally:
            seen.append("gone" if exchange.client_gone else "whole")

    port = await kernel.server(handler)
    _, writer = await kernel.connect(port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    await asyncio.sleep(0.05)
    writer.close()
    await until(lambda: bool(seen))
    assert seen == ["gone"]


async def test_pipelined_requests_are_answered_in_order(kernel: Kernel) -> None:
    async def handler(exchange: Exchange) -> None:
        await asyncio.sleep(0.02 if exchange.head.path == b"/1" else 0)
        await exchange.respond(200, [], exchange.head.path)

    port = await kernel.server(handler)
    reader, writer = await kernel.connect(port)
    writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in (1, 2, 3)))
    bodies = [(await read_response(reader))[1] for _ in range(3)]
    assert bodies == [b"/1", b"/2", b"/3"]


async def test_a_flood_of_pipelined_requests_is_not_buffered(kernel: Kernel) -> None:
    release = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        await release.wait()
        await exchange.respond(200, [], b"")

    port = await kernel.server(handler, ServerLimits(buffer_bytes=1024))
    reader, writer = await kernel.connect(port)
    writer.transport.set_write_buffer_limits(high=1)
    writer.write(GET)
    flood = GET * 150_000
    writer.write(flood)
    await asyncio.sleep(0.3)
    assert writer.transport.get_write_buffer_size() > 0, "the server went on reading"
    release.set()
    for _ in range(50):
        head, _ = await read_response(reader)
        assert head.startswith(b"HTTP/1.1 200")
    writer.transport.abort()


async def test_expect_continue_is_answered_when_the_body_is_wanted(kernel: Kernel) -> None:
    port = await kernel.server(echo)
    reader, writer = await kernel.connect(port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"abc")
    _, body = await read_response(reader)
    assert json.loads(body)["body"] == "abc"


async def test_expect_continue_is_not_answered_when_the_request_is_refused(
    kernel: Kernel,
) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.respond(403, [], b"no")

    port = await kernel.server(handler)
    answer = await kernel.ask(
        port, b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"connection: close" in answer


async def test_an_early_answer_survives_a_large_body_that_nobody_reads(kernel: Kernel) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.respond(429, [(b"content-type", b"text/plain")], b"spent")

    port = await kernel.server(handler)
    size = 4_000_000
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
    answer = await kernel.ask(port, head + b"x" * size)
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert answer.endswith(b"spent")


async def test_a_small_unread_body_keeps_the_connection(kernel: Kernel) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.respond(403, [], b"no")

    port = await kernel.server(handler)
    reader, writer = await kernel.connect(port)
    for _ in range(2):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
        head, _ = await read_response(reader)
        assert b"connection: close" not in head
        writer.write(b"abc")


async def test_read_body_refuses_more_than_its_limit(kernel: Kernel) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.read_body(10)
        await exchange.respond(200, [])

    port = await kernel.server(handler)
    for framing, body in (
        (b"Content-Length: 11", b"x" * 11),
        (b"Transfer-Encoding: chunked", b"b\r\n" + b"x" * 11 + b"\r\n0\r\n\r\n"),
    ):
        answer = await kernel.ask(
            port, b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n" + body
        )
        assert answer.startswith(b"HTTP/1.1 413 ")


async def test_head_and_bodyless_answers(kernel: Kernel) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.respond(int(exchange.head.path[1:]), [], b"body")

    port = await kernel.server(handler)
    answer = await kernel.ask(port, b"HEAD /200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"content-length: 4\r\nconnection: close\r\n\r\n")
    answer = await kernel.ask(port, b"GET /204 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer == b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"


async def test_a_value_with_a_line_end_can_not_be_sent(kernel: Kernel) -> None:
    errors: list[str] = []

    async def handler(exchange: Exchange) -> None:
        try:
            await exchange.respond(200, [(b"x", b"a\r\nset-cookie: b")])
        except ValueError as error:
            errors.append(str(error))
            await exchange.respond(500, [])

    port = await kernel.server(handler)
    answer = await kernel.ask(port, GET_CLOSE)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert errors


async def test_a_handler_that_crashes_is_a_500_and_is_logged(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[bytes] = []
    log.configure(lines.append)

    async def handler(exchange: Exchange) -> None:
        raise RuntimeError("secret-in-an-exception")

    port = await kernel.server(handler)
    answer = await kernel.ask(port, GET)
    log.configure()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"secret-in-an-exception" not in answer
    assert any(b"RuntimeError" in line for line in lines)
    assert not any(b"secret-in-an-exception" in line for line in lines)


async def test_a_handler_that_answers_nothing_is_a_500(kernel: Kernel) -> None:
    lines: list[bytes] = []
    log.configure(lines.append)

    async def handler(exchange: Exchange) -> None:
        return

    port = await kernel.server(handler)
    answer = await kernel.ask(port, GET_CLOSE)
    log.configure()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert lines


async def test_refusals_are_told(kernel: Kernel) -> None:
    told: list[Malformed] = []
    server = HttpServer(echo, on_refused=lambda peer, meant, error: told.append(error))
    port = await server.listen("127.0.0.1", 0)
    await kernel.ask(port, b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")
    await server.drain(1)
    assert [error.status for error in told] == [405]


# Limits


async def test_limit_body_bytes(kernel: Kernel) -> None:
    port = await kernel.server(echo, ServerLimits(body_bytes=5))
    head = b"POST / HTTP/1.1\r\nHost: a\r\n"
    assert b" 413 " in await kernel.ask(port, head + b"Content-Length: 6\r\n\r\nabcdef")
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n"
    assert b" 413 " in await kernel.ask(port, chunked)
    ok = head + b"Connection: close\r\nContent-Length: 5\r\n\r\nabcde"
    assert b" 200 " in await kernel.ask(port, ok)


async def test_limit_head_bytes_and_fields(kernel: Kernel) -> None:
    port = await kernel.server(echo, ServerLimits(head_bytes=500, head_fields=5))
    big = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 600 + b"\r\n\r\n"
    many = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 5 + b"\r\n"
    assert (await kernel.ask(port, big)).startswith(b"HTTP/1.1 431 ")
    assert (await kernel.ask(port, many)).startswith(b"HTTP/1.1 431 ")


async def test_limit_head_seconds_can_not_be_stretched(kernel: Kernel) -> None:
    port = await kernel.server(echo, ServerLimits(head_seconds=0.3))
    reader, writer = await kernel.connect(port)

    async def dribble() -> None:
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1000:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)

    task = asyncio.ensure_future(dribble())
    answer = await asyncio.wait_for(reader.read(), 20)
    task.cancel()
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_limit_head_seconds_of_a_silent_connection(kernel: Kernel) -> None:
    port = await kernel.server(echo, ServerLimits(head_seconds=0.2))
    reader, _ = await kernel.connect(port)
    assert await asyncio.wait_for(reader.read(), 20) == b""


async def test_limit_keep_alive_seconds(kernel: Kernel) -> None:
    port = await kernel.server(echo, ServerLimits(keep_alive_seconds=0.2))
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    await read_response(reader)
    assert await asyncio.wait_for(reader.read(), 20) == b""


async def test_limit_body_idle_seconds(kernel: Kernel) -> None:
    port = await kernel.server(echo, ServerLimits(body_idle_seconds=0.2))
    answer = await kernel.ask(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na")
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_limit_write_idle_seconds(kernel: Kernel) -> None:
    gone = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        exchange.on_client_gone(gone.set)
        await exchange.respond(200, [], b"x" * 50_000_000)
        await gone.wait()

    port = await kernel.server(handler, ServerLimits(write_idle_seconds=0.2))
    _, writer = await kernel.connect(port)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(GET)
    await asyncio.wait_for(gone.wait(), 20)
    await until(lambda: kernel.last_server.connections == 0)


async def test_limit_connections(kernel: Kernel) -> None:
    port = await kernel.server(echo, ServerLimits(connections=2))
    first = [await kernel.connect(port) for _ in range(2)]
    await until(lambda: kernel.last_server.connections == 2)
    reader, _ = await kernel.connect(port)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 20)
    assert kernel.last_server.turned_away == 1
    first[0][1].close()
    await until(lambda: kernel.last_server.connections == 1)
    assert b" 200 " in await kernel.ask(port, GET_CLOSE)


async def test_limit_connections_per_peer(kernel: Kernel) -> None:
    port = await kernel.server(echo, ServerLimits(connections_per_peer=2))
    first = [await kernel.connect(port) for _ in range(2)]
    await until(lambda: kernel.last_server.connections == 2)
    reader, _ = await kernel.connect(port)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), 20)
    other, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
    writer.write(GET_CLOSE)
    assert b" 200 " in await asyncio.wait_for(other.read(), 20)
    writer.close()
    for _, held in first:
        held.close()
    await until(lambda: kernel.last_server.connections == 0)
    for _ in range(5):
        assert b" 200 " in await kernel.ask(port, GET_CLOSE)
    await until(lambda: not kernel.last_server._by_peer)


async def test_limit_linger_bytes(kernel: Kernel) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.respond(403, [], b"no")

    port = await kernel.server(handler, ServerLimits(linger_bytes=10_000, linger_seconds=60))
    _, writer = await kernel.connect(port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    await asyncio.sleep(0.05)
    writer.write(b"x" * 1_000_000)
    await until(lambda: kernel.last_server.connections == 0)


async def test_limit_linger_seconds(kernel: Kernel) -> None:
    port = await kernel.server(echo, ServerLimits(linger_seconds=0.2))
    reader, writer = await kernel.connect(port)
    writer.write(b"nonsense\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 400 ")
    await until(lambda: kernel.last_server.connections == 0)  # though the client never closes


# Drain


async def test_drain_lets_a_running_exchange_end_and_closes_idle_ones(kernel: Kernel) -> None:
    release = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        await release.wait()
        await exchange.respond(200, [], b"done")

    port = await kernel.server(handler)
    idle_reader, _ = await kernel.connect(port)
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    await asyncio.sleep(0.05)
    drain = asyncio.ensure_future(kernel.last_server.drain(20))
    assert await asyncio.wait_for(idle_reader.read(), 20) == b""
    with pytest.raises(ConnectionRefusedError):
        await kernel.connect(port)
    release.set()
    answer = await asyncio.wait_for(reader.read(), 20)
    assert b"connection: close" in answer
    assert answer.endswith(b"done")
    await drain


async def test_a_server_that_leaves_serves_on_and_ends_each_connection_with_its_answer(
    kernel: Kernel,
) -> None:
    port = await kernel.server(echo)
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    head, _ = await read_response(reader)
    assert b"connection: close" not in head
    kernel.last_server.leave()
    writer.write(GET)
    head, _ = await read_response(reader)
    assert b"connection: close" in head
    assert await asyncio.wait_for(reader.read(), 20) == b""
    assert b" 200 " in await kernel.ask(port, GET)


async def test_drain_aborts_what_does_not_end(kernel: Kernel) -> None:
    cancelled = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    port = await kernel.server(handler)
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    await asyncio.sleep(0.05)
    await kernel.last_server.drain(0.1)
    await asyncio.wait_for(cancelled.wait(), 20)
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(reader.readexactly(1), 20)
