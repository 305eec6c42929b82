"""Through a proxy: bodies, backpressure, broken ends, upgrades."""

import asyncio
import contextlib
import gzip

import pytest
from tests.unit.wire.corpus_file import Case, load
from tests.unit.wire.kernel import GET, GET_CLOSE, Kernel, read_response, until

from pai.wire.errors import BodyEnd
from pai.wire.exchange import Exchange
from pai.wire.limits import ClientLimits, ServerLimits
from pai.wire.message import Outcome

RESPONSES = load("responses")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize("case", RESPONSES, ids=lambda case: case.name)
async def test_the_corpus_of_responses_through_a_proxy(kernel: Kernel, case: Case) -> None:
    upstream = await kernel.canned(case.data)
    port = await kernel.proxy(upstream)
    method = b"HEAD" if case.name.startswith("HEAD") else b"GET"
    reader, writer = await kernel.connect(port)
    writer.write(method + b" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    try:
        answer = await asyncio.wait_for(reader.read(), 20)
        reset = False
    except ConnectionError:
        answer, reset = b"", True
    if case.verdict == "accept":
        assert kernel.outcomes == [Outcome.COMPLETE]
        assert answer[9:12] == case.data.split(b"HTTP/1.")[-1][2:5]
    elif not reset:  # refused before anything was sent on: a 502; else the connection is cut
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert kernel.outcomes[0] in ("protocol", "connect")
    else:
        await until(lambda: bool(kernel.outcomes))
        assert kernel.outcomes == [Outcome.UPSTREAM_BROKEN]


async def test_request_bodies_are_streamed_with_their_framing(kernel: Kernel) -> None:
    async def origin(exchange: Exchange) -> None:
        body = await exchange.read_body(1 << 24)
        framing = b"chunked" if exchange.head.chunked else b"length"
        await exchange.respond(200, [(b"x-framing", framing)], b"%d" % len(body))

    port = await kernel.proxy(await kernel.server(origin))
    reader, writer = await kernel.connect(port)
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000000)
    head, body = await read_response(reader)
    assert b"x-framing: length" in head
    assert body == b"1000000"
    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(10):
        writer.write(b"186a0\r\n" + b"y" * 100000 + b"\r\n")
        await asyncio.sleep(0)
    writer.write(b"0\r\nX-Trailer: 1\r\n\r\n")
    head, body = await read_response(reader)
    assert b"x-framing: chunked" in head
    assert body == b"1000000"


async def test_each_chunk_is_sent_on_at_once(kernel: Kernel) -> None:
    go = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none \r\n")
        await go.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")
        await writer.drain()

    port = await kernel.proxy(await kernel.scripted(script))
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    await reader.readuntil(b"\r\n\r\n")
    assert await asyncio.wait_for(reader.readexactly(9), 20) == b"4\r\none \r\n"
    assert not go.is_set()
    go.set()
    assert await asyncio.wait_for(reader.readexactly(13), 20) == b"3\r\ntwo\r\n0\r\n\r\n"


async def test_a_slow_client_stops_its_upstream(kernel: Kernel) -> None:
    sent = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        for _ in range(200):
            writer.write(b"x" * 1_000_000)
            await writer.drain()
            sent += 1_000_000

    port = await kernel.proxy(await kernel.scripted(script))
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    await reader.readuntil(b"\r\n\r\n")
    seen = -1
    while sent != seen:
        seen = sent
        await asyncio.sleep(0.2)
    assert sent < 40_000_000, "somebody buffers"  # kernel buffers of two loopback connections
    total = 0
    while total < 200_000_000:
        total += len(await asyncio.wait_for(reader.read(1 << 20), 20))
    await until(lambda: kernel.outcomes == [Outcome.COMPLETE])


async def test_a_slow_upstream_stops_its_client(kernel: Kernel) -> None:
    go = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await go.wait()
        await reader.readexactly(100_000_000)
        writer.write(OK)
        await writer.drain()

    port = await kernel.proxy(await kernel.scripted(script))
    reader, writer = await kernel.connect(port)
    writer.write(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
    sent = 0

    async def upload() -> None:
        nonlocal sent
        for _ in range(100):
            writer.write(b"x" * 1_000_000)
            await writer.drain()
            sent += 1_000_000

    task = asyncio.ensure_future(upload())
    seen = -1
    while sent != seen:
        seen = sent
        await asyncio.sleep(0.2)
    assert sent < 40_000_000, "somebody buffers"
    go.set()
    _, body = await read_response(reader)
    assert body == b"ok"
    await task


async def test_a_truncated_response_is_never_ended_cleanly(kernel: Kernel) -> None:
    for cut in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ):
        for version in (b"1.1", b"1.0"):
            kernel.outcomes.clear()
            port = await kernel.proxy(await kernel.canned(cut))
            reader, writer = await kernel.connect(port)
            writer.write(b"GET / HTTP/" + version + b"\r\nHost: a\r\n\r\n")
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(10_000), 20)
            await until(lambda: kernel.outcomes == [Outcome.UPSTREAM_BROKEN])
            if version == b"1.0" and b"chunked" in cut:  # close-delimited: only a reset tells
                assert isinstance(reader.exception(), ConnectionError)


async def test_a_client_that_goes_ends_its_upstream_at_once(kernel: Kernel) -> None:
    ended: list[bool] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        ended.append(True)

    port = await kernel.proxy(await kernel.scripted(script))
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await until(lambda: bool(ended))
    await until(lambda: kernel.outcomes == [Outcome.CLIENT_GONE])


async def test_a_client_that_goes_before_the_answer_ends_its_upstream(kernel: Kernel) -> None:
    asked = asyncio.Event()
    ended = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        try:
            await reader.read()
        finally:
            ended.set()

    port = await kernel.proxy(await kernel.scripted(script))
    _, writer = await kernel.connect(port)
    writer.write(GET)
    await asyncio.wait_for(asked.wait(), 20)
    writer.close()
    await asyncio.wait_for(ended.wait(), 20)


async def test_a_broken_upload_never_ends_cleanly_upstream(kernel: Kernel) -> None:
    got: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            got.append(await reader.read())
        except ConnectionError:
            got.append(b"reset")

    port = await kernel.proxy(await kernel.scripted(script))
    start = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    reader, writer = await kernel.connect(port)
    writer.write(start)
    await asyncio.sleep(0.1)
    writer.write(b"3;ext\r\nabc\r\n0\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 20)
    assert answer.startswith(b"HTTP/1.1 400 ")
    await until(lambda: bool(got))
    assert b"0\r\n\r\n" not in got[0]


async def test_an_early_answer_of_the_upstream_reaches_the_client(kernel: Kernel) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await writer.drain()
        await reader.read()

    port = await kernel.proxy(await kernel.scripted(script))
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n"
    answer = await kernel.ask(port, head + b"x" * 2_000_000)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"big")


async def test_hop_by_hop_fields_stop_at_the_proxy_both_ways(kernel: Kernel) -> None:
    seen: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
            b"Keep-Alive: timeout=5\r\nProxy-Authenticate: x\r\nX-End: 1\r\n\r\n"
        )
        await writer.drain()

    port = await kernel.proxy(await kernel.scripted(script))
    reader, writer = await kernel.connect(port)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\n"
        b"TE: trailers\r\nProxy-Authorization: secret\r\nUpgrade: h2c\r\nX-End: 1\r\n\r\n"
    )
    head, _ = await read_response(reader)
    assert seen[0] == b"GET / HTTP/1.1\r\nhost: a\r\nx-end: 1\r\n\r\n"
    assert head == b"HTTP/1.1 200 OK\r\nx-end: 1\r\ncontent-length: 0\r\n\r\n"


class Upper:
    """A tap that changes what passes and adds an end."""

    def feed(self, chunk: bytes) -> bytes:
        return chunk.upper()

    def finish(self) -> bytes:
        return b"!"


async def test_a_tap_sees_decoded_bytes_and_changes_them(kernel: Kernel) -> None:
    for response in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nabcdef",
    ):
        port = await kernel.proxy(await kernel.canned(response), tap=Upper)
        reader, writer = await kernel.connect(port)
        writer.write(GET)
        assert (await read_response(reader))[1] == b"ABCDEF!"


async def test_a_tap_that_crashes_cuts_both_sides(kernel: Kernel) -> None:
    from pai.wire import log

    class Broken(Upper):
        def feed(self, chunk: bytes) -> bytes:
            if chunk == b"second":
                raise RuntimeError("tap")
            return chunk

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await asyncio.sleep(0.1)
        writer.write(b"6\r\nsecond\r\n")
        await reader.read()

    lines: list[bytes] = []
    log.configure(lines.append)
    port = await kernel.proxy(await kernel.scripted(script), tap=Broken)
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(10_000), 20)
    await until(lambda: any(b"RuntimeError" in line for line in lines))
    log.configure()


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_tap_can_end_a_body_and_the_upstream(
    kernel: Kernel, version: bytes, at_once: bool
) -> None:
    class Ending(Upper):
        def feed(self, chunk: bytes) -> bytes:
            if b"enough" in chunk:
                raise BodyEnd(b"end")
            return chunk

    gone = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        if at_once:
            head += b"6\r\nenough\r\n"
        writer.write(head)
        await asyncio.sleep(0.1)
        writer.write(b"6\r\nenough\r\n")
        assert await reader.read() == b""
        gone.set()

    port = await kernel.proxy(await kernel.scripted(script), tap=Ending)
    reader, writer = await kernel.connect(port)
    writer.write(b"GET / HTTP/%b\r\nHost: a\r\n\r\n" % version)
    if version == b"1.0":
        assert (await reader.read()).endswith(b"\r\n\r\nend")
    else:
        assert (await read_response(reader))[1] == b"end"
    async with asyncio.timeout(10):
        await gone.wait()


async def test_a_compressed_body_passes_untouched(kernel: Kernel) -> None:
    packed = gzip.compress(b"hello" * 100)
    response = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    port = await kernel.proxy(await kernel.canned(response % len(packed) + packed))
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    head, body = await read_response(reader)
    assert b"content-encoding: gzip" in head
    assert body == packed


async def test_an_http10_client_gets_an_unframed_body_and_a_close(kernel: Kernel) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    port = await kernel.proxy(await kernel.canned(chunked))
    answer = await kernel.ask(port, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    assert answer == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc"


# Upgrades


async def websocket_upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"upgrade: websocket" in head.lower()
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: x\r\n\r\nhello"
    )
    while data := await reader.read(1 << 16):
        writer.write(data[::-1])
        await writer.drain()


UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: x\r\n\r\n"
)


async def test_a_websocket_becomes_a_tunnel(kernel: Kernel) -> None:
    port = await kernel.proxy(await kernel.scripted(websocket_upstream))
    reader, writer = await kernel.connect(port)
    writer.write(UPGRADE + b"early")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"sec-websocket-accept: x" in head
    assert b"connection: upgrade\r\nupgrade: websocket\r\n" in head
    assert await asyncio.wait_for(reader.readexactly(10), 20) == b"helloylrae"
    writer.write(b"123")
    assert await asyncio.wait_for(reader.readexactly(3), 20) == b"321"
    writer.close()
    await until(lambda: bool(kernel.outcomes))
    assert kernel.outcomes == [Outcome.COMPLETE]
    await until(lambda: kernel.last_server.connections == 0)


async def test_an_upgrade_that_is_refused_stays_http(kernel: Kernel) -> None:
    port = await kernel.proxy(await kernel.canned(OK))
    reader, writer = await kernel.connect(port)
    writer.write(UPGRADE)
    head, body = await read_response(reader)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"ok"


async def test_limit_tunnel_idle_seconds(kernel: Kernel) -> None:
    port = await kernel.proxy(
        await kernel.scripted(websocket_upstream), limits=ServerLimits(tunnel_idle_seconds=0.3)
    )
    reader, writer = await kernel.connect(port)
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1000), 20)
    await until(lambda: kernel.outcomes == [Outcome.TIMED_OUT])


# Limits towards the upstream


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_limit_first_byte_seconds(kernel: Kernel) -> None:
    port = await kernel.proxy(
        await kernel.scripted(silent), client_limits=ClientLimits(first_byte_seconds=0.2)
    )
    answer = await kernel.ask(port, GET_CLOSE)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert kernel.outcomes == ["timeout"]


async def stalling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    await reader.read()


async def test_limit_idle_seconds(kernel: Kernel) -> None:
    port = await kernel.proxy(
        await kernel.scripted(stalling), client_limits=ClientLimits(idle_seconds=0.2)
    )
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(10_000), 20)
    await until(lambda: kernel.outcomes == [Outcome.TIMED_OUT])


async def test_limit_total_seconds(kernel: Kernel) -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(10_000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    port = await kernel.proxy(
        await kernel.scripted(dripping), client_limits=ClientLimits(total_seconds=0.5)
    )
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(100_000), 20)
    await until(lambda: kernel.outcomes == [Outcome.TIMED_OUT])


async def test_an_idle_upstream_is_not_blamed_for_a_slow_client(kernel: Kernel) -> None:
    async def big(exchange: Exchange) -> None:
        await exchange.respond(200, [], b"x" * 30_000_000)

    port = await kernel.proxy(
        await kernel.server(big), client_limits=ClientLimits(idle_seconds=0.3)
    )
    reader, writer = await kernel.connect(port)
    writer.write(GET)
    await asyncio.sleep(1.2)
    _, body = await read_response(reader)
    assert len(body) == 30_000_000
