"""Abuse of a real gateway worker: bounded memory, the right error, nothing unmetered."""

import asyncio
import gzip
import json
import resource
import socket
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.e2e.gateway_stage import AGENT, KEY, TOKEN, Stage, stage
from tests.e2e.raw_vendor import (
    MIB,
    RawVendor,
    ask,
    dripping,
    endless_event,
    forget_peak,
    json_answer,
    request,
    resident_bytes,
)

from pai.wire.limits import ServerLimits

CAP = 100_000
USER = [{"role": "user", "content": "hello"}]
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
FLASH = "/v1beta/models/flash:"
BODIES: dict[str, dict[str, object]] = {
    CHAT: {"model": "main", "max_tokens": CAP, "messages": USER},
    "/v1/responses": {"model": "main", "max_output_tokens": CAP, "input": "hello"},
    "/v1/completions": {"model": "main", "max_tokens": CAP, "prompt": "hello"},
    "/v1/embeddings": {"model": "main", "input": "hello"},
    MESSAGES: {"model": "claude", "max_tokens": CAP, "messages": USER},
    "/v1/messages/count_tokens": {"model": "claude", "messages": USER},
    FLASH + "generateContent": {
        "contents": [{"parts": [{"text": "hello"}]}],
        "generationConfig": {"maxOutputTokens": CAP},
    },
    FLASH + "streamGenerateContent": {
        "contents": [{"parts": [{"text": "hello"}]}],
        "generationConfig": {"maxOutputTokens": CAP},
    },
    FLASH + "countTokens": {"contents": [{"parts": [{"text": "hello"}]}]},
    FLASH + "embedContent": {"content": {"parts": [{"text": "hello"}]}},
    FLASH + "batchEmbedContents": {"requests": [{"content": {"parts": [{"text": "hello"}]}}]},
}
GOOD = json_answer(b'{"usage":{"prompt_tokens":5,"completion_tokens":1},"choices":[]}')


@pytest.fixture
async def vendor() -> AsyncIterator[RawVendor]:
    made = RawVendor()
    server = await made.start()
    yield made
    server.close()
    await made.stop()


@pytest.fixture
async def world(tmp_path: Path, vendor: RawVendor) -> AsyncIterator[Stage]:
    async with stage(tmp_path, vendor.snapshot) as running:
        yield running


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process and its workers have 12,000 files open, if they may not yet."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(12_000, before[0]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def body_of(path: str, **changes: object) -> bytes:
    return json.dumps(BODIES[path] | changes).encode()


async def charged(world: Stage) -> int:
    """Have the worker settle and end; return what the agent was charged in all."""
    assert world.workers[0].returncode is None, world.logs()
    assert await world.stop_worker(0) == 0
    assert "Traceback" not in world.logs()
    assert KEY not in world.logs()
    return world.control.ledger.balance(AGENT, world.control.now()).charged


async def serves(world: Stage, vendor: RawVendor) -> None:
    """Check that another client is served at once."""
    play, vendor.play = vendor.play, GOOD
    async with asyncio.timeout(2.0):
        status, _ = await ask(world, request(CHAT, body_of(CHAT)))
    vendor.play = play
    assert status == 200


def connect_all(port: int, number: int) -> list[socket.socket]:
    opened = []
    for _ in range(number):
        client = socket.socket()
        client.settimeout(5.0)
        with suppress(ConnectionError):
            client.connect(("127.0.0.1", port))
            client.setblocking(False)
            opened.append(client)
    return opened


def is_open(client: socket.socket) -> bool:
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


@pytest.mark.usefixtures("many_files")
async def test_ten_thousand_idle_connections_are_held_up_to_the_limit(
    world: Stage, vendor: RawVendor
) -> None:
    """Of 10,000 the listener keeps its 4,096; they cost less than 16 KiB each."""
    await serves(world, vendor)
    early_reader, early = await asyncio.open_connection("127.0.0.1", world.port)
    before = forget_peak(world)
    clients = await asyncio.to_thread(connect_all, world.port, 10_000)
    await asyncio.sleep(1.0)
    held = sum(map(is_open, clients))
    assert 0 < held < ServerLimits().connections
    assert held > ServerLimits().connections - 64  # those of `serves` and of this client
    vendor.play = GOOD
    early.write(request(CHAT, body_of(CHAT)))  # who is in is served
    assert b" 200 " in await asyncio.wait_for(early_reader.readline(), 2.0)
    assert resident_bytes(world, peak=True) - before < 64 * MIB
    early.close()
    for client in clients:
        client.close()
    await asyncio.sleep(0.5)
    await serves(world, vendor)
    assert await charged(world) == 3 * 6


async def test_slow_bodies_hold_nobody_up(world: Stage, vendor: RawVendor) -> None:
    before = forget_peak(world)
    slow = []
    for path in BODIES:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", world.port)
            writer.write(request(path, body_of(path))[:-5])
            slow.append(writer)
    for _ in range(3):
        await asyncio.sleep(0.2)
        for writer in slow:
            writer.write(b" ")
    await serves(world, vendor)
    assert len(vendor.bodies) == 1
    for writer in slow:
        writer.close()
    assert resident_bytes(world, peak=True) - before < 16 * MIB
    assert await charged(world) == 6


async def test_bodies_of_33_mib_are_refused_on_every_path(world: Stage, vendor: RawVendor) -> None:
    before = forget_peak(world)
    blob = b" " * (33 * MIB)
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(blob), blob)
    for path in BODIES:
        status, answer = await ask(world, request(path, blob))
        assert (status, b"32" in answer or b"33554432" in answer) == (413, True), (path, answer)
    for path in (CHAT, MESSAGES, FLASH + "generateContent"):  # where no length is stated
        status, answer = await ask(world, request(path, chunked, b"transfer-encoding: chunked"))
        assert status == 413, (path, answer)
    await serves(world, vendor)
    assert resident_bytes(world, peak=True) - before < 72 * MIB  # twice the most of a body
    assert len(vendor.bodies) == 1
    assert await charged(world) == 6


ZEROS = b"0" * 400
DEEP = b"[" * 10_000 + b"]" * 10_000


@pytest.mark.parametrize("path", BODIES)
async def test_bodies_that_are_no_plain_json_are_refused(
    world: Stage, vendor: RawVendor, path: str
) -> None:
    good = body_of(path)
    hostile = [
        *(good[:-1] + b',"extra":' + each + b"}" for each in (DEEP, b"NaN", b"Infinity")),
        good.replace(b"hello", b"\xff\xfe"),
        good.replace(b"hello", b"\\ud800"),
        good.replace(b'"hello"', DEEP),
        b"\xef\xbb\xbf" + good,
        b"",
        b"null",
        b"[]",
        gzip.compress(good),
    ]
    for each in hostile:
        status, answer = await ask(world, request(path, each))
        assert (status, each[:20]) == (400, each[:20]), answer
    for coding, body in ((b"gzip", gzip.compress(good)), (b"deflate", zlib.compress(good))):
        status, answer = await ask(world, request(path, body, b"content-encoding: " + coding))
        assert status == 415, answer
    if str(CAP).encode() in good:
        for number in (b"1e400", b"1" + ZEROS, b"-1", b"1.5", b'"7"', b"2147483648"):
            status, answer = await ask(
                world, request(path, good.replace(str(CAP).encode(), number))
            )
            assert status == 400, (number, answer)
    assert vendor.bodies == []
    await serves(world, vendor)
    assert await charged(world) == 6


async def test_heads_and_trailers_are_bounded(world: Stage, vendor: RawVendor) -> None:
    before = forget_peak(world)
    fields = [b"a%d: b" % number for number in range(100_000)]
    for many in (fields, fields[:101]):
        status, _ = await ask(world, request(CHAT, body_of(CHAT), *many))
        assert status == 431
    body = body_of(CHAT)
    chunked = b"%x\r\n%b\r\n0\r\n" % (len(body), body)
    coded = b"transfer-encoding: chunked"
    vendor.play = GOOD
    trailed = chunked + b"x-model: other\r\ncontent-length: 3\r\n\r\n"
    status, _ = await ask(world, request(CHAT, trailed, coded))
    assert status == 200
    assert json.loads(vendor.bodies[0]) == json.loads(body) | {"model": "vendor-main"}
    status, _ = await ask(world, request(CHAT, chunked + b"\r\n".join(fields), coded))
    assert status == 431
    assert len(vendor.bodies) == 1
    assert resident_bytes(world, peak=True) - before < 16 * MIB
    assert await charged(world) == 6


@pytest.mark.parametrize("path", [CHAT, "/v1/completions", "/v1/embeddings", MESSAGES])
async def test_of_a_field_given_twice_the_last_is_allowed_and_sent(
    world: Stage, vendor: RawVendor, path: str
) -> None:
    good = body_of(path)
    own = str(BODIES[path]["model"])
    last = good[:-1] + b',"model":"nope"}'
    status, _ = await ask(world, request(path, last))
    assert status == 404
    assert vendor.bodies == []
    twice = good.replace(own.encode(), b"nope")[:-1] + b',"model":"%b"}' % own.encode()
    if b"max_tokens" in good:
        twice = twice[:-1] + b',"max_tokens":7}'
    vendor.play = json_answer(b"{}")
    assert (await ask(world, request(path, twice)))[0] == 200
    [sent] = vendor.bodies
    pairs = json.loads(sent, object_pairs_hook=lambda found: found)
    assert [value for name, value in pairs if name == "model"] == [f"vendor-{own}"]
    assert [value for name, value in pairs if name == "max_tokens"] in ([7], [])
    assert await charged(world) >= (7 if b"max_tokens" in good else 1)


NATIVE = {CHAT: b'data: {"a":"', MESSAGES: b'data: {"a":"', FLASH + "streamGenerateContent": b'[{"'}
WAYS = [
    *((path, {}, start) for path, start in NATIVE.items()),
    (CHAT, {"model": "claude"}, b'data: {"a":"'),
    (CHAT, {"model": "flash"}, b'data: {"a":"'),
    (MESSAGES, {"model": "main"}, b'data: {"a":"'),
    ("/v1/responses", {"model": "claude"}, b"data: {}\n\ndata: "),
]


@pytest.mark.parametrize(("path", "changes", "start"), WAYS)
async def test_an_event_of_100_mb_is_bounded_and_charged(
    world: Stage, vendor: RawVendor, path: str, changes: dict[str, object], start: bytes
) -> None:
    """In a stream that is translated an event may have 16 MiB."""
    await serves(world, vendor)
    before = forget_peak(world)
    vendor.play = endless_event(start, 100 * 1024 * 1024)
    asked = changes if "Generate" in path else changes | {"stream": True}
    async with asyncio.timeout(20.0):
        status, last = await ask(world, request(path, body_of(path, **asked)))
    assert status == 200
    assert bool(changes) == (b"error" in last), last[-300:]
    assert KEY.encode() not in last
    assert resident_bytes(world, peak=True) - before < 64 * MIB
    await serves(world, vendor)
    assert await charged(world) >= CAP


async def test_what_can_not_be_read_is_charged_all_the_same(
    world: Stage, vendor: RawVendor
) -> None:
    """An unreadable event in a translated stream, and much after it: the answer ends there."""
    vendor.play = endless_event(b"data: {]\n\ndata: ", 8 * MIB)
    body = body_of(MESSAGES, model="main", stream=True)
    status, last = await ask(world, request(MESSAGES, body))
    assert (status, b"error" in last) == (200, True)
    assert await charged(world) >= CAP


LIES = [
    *(b"null", b"[]", b'"x"', b"{}", b'{"IN":5}', b'{"OUT":5}', b'{"IN":-5,"OUT":1}'),
    *(b'{"IN":5,"OUT":-1}', b'{"IN":"5","OUT":"1"}', b'{"IN":1e400,"OUT":1}'),
    *(b'{"IN":5,"OUT":1%b}' % ZEROS, b'{"IN":5.5,"OUT":1}', b'{"IN":5,"OUT":%b}' % DEEP),
    *(b'{"IN":5,"OUT":NaN}', b'{"IN":true,"OUT":1}'),
]
BROKEN = (502, 503)  # the latter is what Google's clients understand
SHAPES = {
    CHAT: (b"usage", b"prompt_tokens", b"completion_tokens"),
    MESSAGES: (b"usage", b"input_tokens", b"output_tokens"),
    FLASH + "generateContent": (b"usageMetadata", b"promptTokenCount", b"candidatesTokenCount"),
}


@pytest.mark.parametrize("path", SHAPES)
async def test_lies_about_usage_cost_the_whole_reservation(
    world: Stage, vendor: RawVendor, path: str
) -> None:
    name, spent, said = SHAPES[path]
    lies = [each for each in LIES if each != b'{"IN":5}' or "flash" not in path]
    for lie in lies:
        usage = lie.replace(b"IN", spent).replace(b"OUT", said) if lie.count(b"NaN") == 0 else lie
        vendor.play = json_answer(b'{"%b":%b}' % (name, usage))
        assert (await ask(world, request(path, body_of(path))))[0] == 200
    vendor.play = json_answer(b"{}")
    assert (await ask(world, request(path, body_of(path))))[0] == 200
    assert await charged(world) >= (len(lies) + 1) * CAP
    [usage_row] = world.control.ledger.usage()
    assert usage_row.estimated == usage_row.requests == len(lies) + 1


@pytest.mark.parametrize("path", SHAPES)
async def test_lies_about_length_and_silence_are_charged(
    world: Stage, vendor: RawVendor, path: str
) -> None:
    message = request(path, body_of(path))
    vendor.play = json_answer(b'{"usage":', 10_000)  # broken off
    assert (await ask(world, message))[0] in BROKEN
    vendor.play = json_answer(b'{"usage":{}}', 5)  # more than it says
    assert (await ask(world, message))[0] == 200
    vendor.play = json_answer(b"{}", 2**62)
    assert (await ask(world, message))[0] in BROKEN
    vendor.play = json_answer(b"", 5)

    async def silent(writer: asyncio.StreamWriter) -> None:
        await json_answer(b"", 5)(writer)
        await asyncio.sleep(3.0)

    vendor.play = silent
    assert (await ask(world, message))[0] in (*BROKEN, 504)
    total = await charged(world)
    assert total >= CAP + 3 * 256  # what is cut costs what may have been made unseen
    [row] = world.control.ledger.usage()
    assert (row.requests, row.estimated) == (4, 4)


@pytest.mark.parametrize("model", ["main", "claude"])
async def test_a_stream_that_never_ends_is_cut(world: Stage, vendor: RawVendor, model: str) -> None:
    before = forget_peak(world)
    vendor.play = dripping(b": still here\n\n" * 1000, 0.01)
    async with asyncio.timeout(8.0):
        status, _ = await ask(world, request(CHAT, body_of(CHAT, model=model, stream=True)))
    assert status == 200
    assert resident_bytes(world, peak=True) - before < 16 * MIB
    await serves(world, vendor)
    assert await charged(world) > 4 * 1000
    assert TOKEN not in world.logs()
