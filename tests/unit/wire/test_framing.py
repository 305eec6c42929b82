"""The sans-I/O core: the smuggling corpus, and that cuts in the stream never matter."""

from collections.abc import Iterable
from itertools import pairwise

import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.wire.corpus_file import Case, load

from pai.wire.errors import Malformed
from pai.wire.framing import RequestReader, ResponseReader
from pai.wire.message import FRAMING, RequestHead, ResponseHead

REQUESTS, RESPONSES = load("requests"), load("responses")


class Recorder:
    """Keeps what a reader reports, bodies joined."""

    def __init__(self) -> None:
        self.heads: list[RequestHead | ResponseHead] = []
        self.bodies: list[bytes] = []
        self.ended: list[bool] = []

    def on_head(self, head: RequestHead | ResponseHead) -> None:
        assert all(self.ended), "a head within a message"
        self.heads.append(head)
        self.bodies.append(b"")
        self.ended.append(False)

    def on_data(self, data: bytes, ended: bool) -> None:
        assert not self.ended[-1], "body bytes after the end"
        self.bodies[-1] += data
        self.ended[-1] = ended

    def events(self) -> list[object]:
        heads = [{name: getattr(head, name) for name in _fields(head)} for head in self.heads]
        return [heads, self.bodies, self.ended]


def _fields(head: object) -> list[str]:
    """Return the names of what a head holds; slots are gone where it is compiled."""
    public = (name for name in dir(head) if not name.startswith("_"))
    return [name for name in public if not callable(getattr(head, name))]


def read_requests(chunks: Iterable[bytes]) -> tuple[Recorder, Malformed | None]:
    recorder = Recorder()
    reader = RequestReader(recorder)
    try:
        for chunk in chunks:
            reader.feed(chunk)
            while reader.done and reader.held:
                reader.next_message()
        if reader.done:
            reader.next_message()
        reader.eof()
    except Malformed as error:
        return recorder, error
    return recorder, None


def read_response(
    chunks: Iterable[bytes], method: bytes = b"GET"
) -> tuple[Recorder, Malformed | None, int]:
    recorder = Recorder()
    reader = ResponseReader(recorder)
    reader.expect(method, upgrade=False)
    try:
        for chunk in chunks:
            reader.feed(chunk)
        reader.eof()
    except Malformed as error:
        return recorder, error, reader.held
    return recorder, None, reader.held


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(bounds)]


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    for cases in (REQUESTS, RESPONSES):
        assert len(cases) >= 40
        assert len({case.name for case in cases}) == len(cases)


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case.name)
def test_each_request_of_the_corpus_gets_its_verdict(case: Case) -> None:
    recorder, error = read_requests([case.data])
    if case.verdict == "accept":
        assert error is None
        assert recorder.ended == [True]
    else:
        assert error is not None
        assert error.status == int(case.verdict)


@pytest.mark.parametrize("case", RESPONSES, ids=lambda case: case.name)
def test_each_response_of_the_corpus_gets_its_verdict(case: Case) -> None:
    method = b"HEAD" if case.name.startswith("HEAD") else b"GET"
    recorder, error, held = read_response([case.data], method)
    if case.verdict == "accept":
        assert error is None
        assert recorder.ended == [True]
        assert held == 0
    else:
        assert error is not None


@settings(max_examples=300, deadline=None)
@given(case=st.sampled_from(REQUESTS), places=st.lists(st.integers(0, 400), max_size=12))
def test_any_cutting_of_a_request_gives_the_same_events(case: Case, places: list[int]) -> None:
    whole, error = read_requests([case.data])
    pieces, other = read_requests(cut(case.data, places))
    assert (error is None) == (other is None)
    if error is None:
        assert whole.events() == pieces.events()


@settings(max_examples=300, deadline=None)
@given(case=st.sampled_from(RESPONSES), places=st.lists(st.integers(0, 400), max_size=12))
def test_any_cutting_of_a_response_gives_the_same_events(case: Case, places: list[int]) -> None:
    method = b"HEAD" if case.name.startswith("HEAD") else b"GET"
    whole, error, _ = read_response([case.data], method)
    pieces, other, _ = read_response(cut(case.data, places), method)
    assert (error is None) == (other is None)
    if error is None:
        assert whole.events() == pieces.events()


def test_byte_by_byte_gives_the_same_events() -> None:
    for case in REQUESTS:
        whole, error = read_requests([case.data])
        single, other = read_requests(case.data[i : i + 1] for i in range(len(case.data)))
        assert (error is None) == (other is None), case.name
        if error is None:
            assert whole.events() == single.events(), case.name


TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_", min_size=1, max_size=12)
VALUE = st.binary(max_size=20).map(
    lambda raw: bytes(b for b in raw if b == 9 or 32 <= b != 127).strip(b" \t")
)
RESERVED = {"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te"}


@settings(max_examples=150, deadline=None)
@given(
    fields=st.lists(st.tuples(TOKEN, VALUE), max_size=8),
    bodies=st.lists(st.binary(max_size=50), min_size=1, max_size=3),
    chunked=st.booleans(),
    places=st.lists(st.integers(0, 4000), max_size=8),
)
def test_what_is_written_is_what_is_read(
    fields: list[tuple[str, bytes]], bodies: list[bytes], chunked: bool, places: list[int]
) -> None:
    fields = [pair for pair in fields if pair[0].lower() not in RESERVED | {"trailer"}]
    fields = [pair for pair in fields if not pair[0].lower().startswith(("proxy-", "keep-"))]
    stream = b""
    for body in bodies:
        lines = [b"POST /x HTTP/1.1", b"Host: a"]
        lines += [name.encode() + b": " + value for name, value in fields]
        if chunked:
            lines.append(b"Transfer-Encoding: chunked")
            coded = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            coded += b"0\r\n\r\n"
        else:
            lines.append(b"Content-Length: %d" % len(body))
            coded = body
        stream += b"\r\n".join(lines) + b"\r\n\r\n" + coded
    recorder, error = read_requests(cut(stream, places))
    assert error is None
    assert recorder.bodies == bodies
    expected = [(b"host", b"a"), *((name.lower().encode(), value) for name, value in fields)]
    assert all(head.headers == expected for head in recorder.heads)


class Lenient:
    """An independent reading of the same bytes by llhttp alone."""

    def __init__(self) -> None:
        self.body = b""
        self.messages = 0
        self.targets: list[bytes] = []
        self.fields: list[tuple[bytes, bytes]] = []

    def on_message_begin(self) -> None:
        self.targets.append(b"")

    def on_url(self, url: bytes) -> None:
        self.targets[-1] += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.strip(b" \t")))

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.messages += 1


@settings(max_examples=300, deadline=None)
@given(
    case=st.sampled_from([case for case in REQUESTS if case.verdict == "accept"]),
    place=st.integers(0, 300),
    insert=st.sampled_from(
        [b"\r", b"\n", b"\r\n", b" ", b"\t", b"\0", b":", b";", b"0", b"a", b",", b"\x0b", b"\xff"]
    ),
    drop=st.integers(0, 2),
)
@example(case=REQUESTS[3], place=70, insert=b";", drop=0)
def test_whatever_is_accepted_llhttp_reads_in_the_same_way(
    case: Case, place: int, insert: bytes, drop: int
) -> None:
    place %= len(case.data) + 1
    data = case.data[:place] + insert + case.data[place + drop :]
    recorder, error = read_requests([data])
    if error is not None:
        return
    other = Lenient()
    try:
        httptools.HttpRequestParser(other).feed_data(data)
    except httptools.HttpParserUpgrade:
        return
    assert other.messages == len(recorder.heads)
    assert other.body == b"".join(recorder.bodies)
    assert all(pair in other.fields for head in recorder.heads for pair in head.headers)
    for head, target in zip(recorder.heads, other.targets, strict=True):
        assert isinstance(head, RequestHead)
        assert target.endswith(head.target.removeprefix(b"/"))


@settings(max_examples=300, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=60),
        st.builds(lambda name, rest: name.encode() + b":" + rest, TOKEN, st.binary(max_size=20)),
        st.builds(lambda name, rest: name.encode() + b": " + rest, TOKEN, VALUE),
    )
)
def test_a_field_line_is_read_as_llhttp_reads_it(data: bytes) -> None:
    """Own grammar and llhttp agree on every line that the grammar accepts."""
    line = data.replace(b"\r\n", b"")
    block = b"GET / HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n"
    recorder, error = read_requests([block])
    if error is not None or line[:4].lower() in (b"", b"upgr", b"conn"):
        return
    other = Lenient()
    httptools.HttpRequestParser(other).feed_data(block)
    head = recorder.heads[0]
    hidden = FRAMING - {b"host"}
    assert [pair for pair in other.fields if pair[0] not in hidden] == head.headers


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=200), prefix=st.sampled_from([b"", b"GET / HTTP/1.1\r\nHost: a\r\n"])
)
def test_no_bytes_break_a_reader(data: bytes, prefix: bytes) -> None:
    read_requests([prefix + data])
    read_response([data])


def test_a_head_at_the_limit_passes_and_one_above_is_refused() -> None:
    start, end = b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"\r\n\r\n"
    room = 1000 - len(start) - len(end)
    for size, refused in ((room, False), (room + 1, True)):
        recorder = Recorder()
        reader = RequestReader(recorder, max_head=1000)
        data = start + b"x" * size + end
        if refused:
            with pytest.raises(Malformed) as caught:
                reader.feed(data)
            assert caught.value.status == 431
        else:
            reader.feed(data)
            assert recorder.ended == [True]


def test_a_head_that_never_ends_is_refused_at_the_limit() -> None:
    reader = RequestReader(Recorder(), max_head=1000)
    reader.feed(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 900)
    with pytest.raises(Malformed) as caught:
        reader.feed(b"x" * 200)
    assert caught.value.status == 431


def test_a_hundred_fields_pass_and_one_more_is_refused() -> None:
    for count, refused in ((100, False), (101, True)):
        fields = b"".join(b"x-%d: 1\r\n" % i for i in range(count - 1))
        _, error = read_requests([b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n"])
        assert (error is not None) == refused
        if error is not None:
            assert error.status == 431


def test_trailers_have_the_limit_of_heads() -> None:
    reader = RequestReader(Recorder(), max_head=300)
    start = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    with pytest.raises(Malformed):
        reader.feed(start + b"x: " + b"y" * 400 + b"\r\n\r\n")


def test_too_many_interim_responses_are_refused() -> None:
    _, error, _ = read_response([b"HTTP/1.1 100 Continue\r\n\r\n" * 17])
    assert error is not None


def test_bytes_after_a_message_wait() -> None:
    recorder = Recorder()
    reader = RequestReader(recorder)
    request = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
    reader.feed(request % 1 + request % 2)
    assert len(recorder.heads) == 1
    assert reader.held == len(request % 2)
    reader.next_message()
    assert [getattr(head, "path", b"") for head in recorder.heads] == [b"/1", b"/2"]


def test_hop_by_hop_fields_never_reach_the_headers() -> None:
    block = (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\n"
        b"Keep-Alive: 5\r\nProxy-Authorization: x\r\nProxy-Connection: close\r\nTrailer: x\r\n"
        b"Upgrade: h2c\r\nX-Other: 2\r\n\r\n"
    )
    recorder, error = read_requests([block])
    assert error is None
    head = recorder.heads[0]
    assert head.headers == [(b"host", b"a"), (b"x-other", b"2")]
    assert head.keep_alive is False
    assert head.upgrade is None


def test_a_websocket_upgrade_is_seen_and_others_are_not() -> None:
    block = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: %b\r\n\r\n"
    for protocol, expected in (
        (b"WebSocket", b"websocket"),
        (b"h2c", None),
        (b"x, websocket", None),
    ):
        recorder, _ = read_requests([block % protocol])
        assert recorder.heads[0].upgrade == expected


def test_an_upgrade_with_a_body_is_no_upgrade() -> None:
    block = (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Content-Length: 1\r\n\r\na"
    )
    recorder, _ = read_requests([block])
    assert recorder.heads[0].upgrade is None
    assert recorder.bodies == [b"a"]
