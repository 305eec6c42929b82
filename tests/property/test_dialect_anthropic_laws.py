"""Laws of Anthropic's dialect: there and back, any chunking, any damage."""

import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.anthropic import MESSAGES_CLIENT, MESSAGES_VENDOR, count_request, read_count
from pai.dialect.anthropic.messages import merged
from pai.dialect.anthropic.request import read_request
from pai.dialect.conversation import (
    Conversation,
    Media,
    OutputFormat,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from pai.dialect.refused import BadRequestError, UnreadableError
from pai.dialect.reply import (
    Begun,
    Broken,
    Choice,
    Counted,
    Delta,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    Reply,
    Stop,
)
from pai.dialect.sides import Call

MODEL = "claude-sonnet-5"
READING = read_request(b'{"messages":[],"stream":true}')

words = st.text(alphabet='ab"\\\n\u00e9\u4e2d ', max_size=6)
said = words.filter(lambda text: bool(text.strip()))
names = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z0-9_]{1,8}", fullmatch=True)
arguments = st.dictionaries(names, words | st.integers(), max_size=2).map(json.dumps)
texts = st.builds(Text, text=said)
media = st.builds(
    Media, sort=st.just("image"), media_type=st.just("image/png"), data=st.just("AAAA")
) | st.builds(Media, sort=st.just("image"), url=st.just("https://example.com/a.png"))
thoughts = st.builds(Thinking, text=words, seal=ids, vendor=st.just("anthropic")) | st.builds(
    Thinking, seal=ids, vendor=st.just("anthropic"), hidden=st.just(True)
)
calls = st.builds(ToolCall, id=ids, name=names, arguments=arguments)
results = st.builds(
    ToolResult,
    id=ids,
    parts=st.lists(texts | media, max_size=2).map(tuple),
    failed=st.booleans(),
)
user = st.builds(
    Turn, st.just("user"), st.lists(texts | media | results, min_size=1, max_size=3).map(tuple)
)
assistant = st.builds(
    Turn, st.just("assistant"), st.lists(texts | thoughts | calls, max_size=3).map(tuple)
)
schemas = st.builds(
    lambda name: Raw(json.dumps(closed(name)).encode()),
    names,
)


def closed(name: str) -> dict[str, Any]:
    properties = {name: {"type": "string"}}
    return {"type": "object", "properties": properties, "additionalProperties": False}


tools = st.lists(st.builds(Tool, name=names, description=words, schema=schemas), max_size=2).map(
    tuple
)
efforts = st.sampled_from(["low", "medium", "high", "xhigh", "max"])
reasonings = st.none() | st.builds(Reasoning, effort=efforts, shown=st.just(True))
outputs = st.none() | st.builds(OutputFormat, schema=schemas, strict=st.just(True))


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """A conversation that Anthropic has a place for, all of it."""
    turns = [*draw(st.lists(user | assistant, max_size=4)), draw(user)]
    offered = draw(tools)
    choice = st.none() | st.sampled_from(
        [ToolChoice("auto"), ToolChoice("none"), ToolChoice("any")]
    )
    return Conversation(
        turns=merged(tuple(turns)),
        system=tuple(draw(st.lists(texts, max_size=2))),
        tools=offered,
        tool_choice=draw(choice) if offered else None,
        output=draw(outputs),
        stops=tuple(draw(st.lists(said, max_size=2))),
        reasoning=draw(reasonings),
        stream=draw(st.booleans()),
    )


def plain(conversation: Conversation) -> Any:
    """Return a form that can be compared: JSON within is compared as JSON."""
    return json.loads(
        json.dumps(conversation, default=_plain),
        object_hook=lambda each: each,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Raw):
        return json.loads(bytes(value) or b"null")
    found = {name: getattr(value, name) for name in value.__struct_fields__}
    if "arguments" in found:
        found["arguments"] = json.loads(found["arguments"])
    return {"is": type(value).__name__, **found}


@given(conversations())
def test_a_conversation_survives_there_and_back(asked: Conversation) -> None:
    written = MESSAGES_VENDOR.write(asked, MODEL, 50_000)
    assert written.dropped == ()
    reading = MESSAGES_CLIENT.read(Call(written.body))
    assert (reading.model, reading.cap, reading.stream) == (MODEL, 50_000, asked.stream)
    back = reading.meaning()
    assert isinstance(back, Conversation)
    assert plain(back) == plain(asked)


@given(conversations())
def test_writing_is_deterministic_and_a_count_is_of_the_same_prompt(asked: Conversation) -> None:
    first, second = (MESSAGES_VENDOR.write(asked, MODEL, 50_000).body for _ in range(2))
    assert first == second
    request, count = json.loads(first), json.loads(count_request(asked, MODEL).body)
    assert {name: request[name] for name in count} == count


parts = st.lists(texts | thoughts | calls, max_size=4)
figures = st.tuples(*[st.integers(0, 1_000)] * 5).map(
    lambda each: Tokens(
        each[0] + each[1] + each[2], each[3], each[1], min(each[4], each[3]), each[2]
    )
)
stops = st.sampled_from([Stop.LENGTH, Stop.SEQUENCE, Stop.PAUSE, Stop.REFUSAL])


@given(parts, stops, figures)
def test_an_answer_survives_there_and_back(said: list[Any], stop: Stop, tokens: Tokens) -> None:
    reply = Reply(
        id="msg_1", model="m", choices=(Choice(parts=tuple(said), stop=stop),), tokens=tokens
    )
    body = MESSAGES_CLIENT.reply(reply, READING)
    assert MESSAGES_VENDOR.reply(body) == reply
    assert MESSAGES_VENDOR.tokens(body) == tokens


def events_of(said: list[Any], stop: Stop, tokens: Tokens) -> list[Event]:
    """Return the events of an answer, each part in one piece, as the reader gives them."""
    events: list[Event] = [Begun("msg_1", "m")]
    for place, part in enumerate(said):
        pieces: list[Event]
        match part:
            case Text():
                pieces = [PartBegun(0, place, Text(text="")), Delta(0, place, part.text)]
            case Thinking() if part.hidden:
                pieces = [PartBegun(0, place, part)]
            case Thinking():
                pieces = [PartBegun(0, place, Thinking(vendor="anthropic"))]
                pieces += [Delta(0, place, part.text)] if part.text else []
                pieces += [Delta(0, place, "", part.seal)]
            case _:
                begun = ToolCall(id=part.id, name=part.name, arguments="")
                pieces = [PartBegun(0, place, begun), Delta(0, place, part.arguments)]
        events += [*pieces, PartEnded(0, place)]
    return [*events, Counted(tokens), Ended(0, stop)]


def stream_of(events: list[Event]) -> bytes:
    writer = MESSAGES_CLIENT.writer(READING)
    return b"".join(map(writer.write, events)) + writer.finish()


@given(parts, stops, figures.filter(lambda each: each != Tokens()), st.data())
def test_a_stream_survives_there_and_back_however_it_is_cut(
    said: list[Any], stop: Stop, tokens: Tokens, data: st.DataObject
) -> None:
    events = events_of(said, stop, tokens)
    stream = stream_of(events)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    reader, meter = MESSAGES_VENDOR.reader(), MESSAGES_VENDOR.meter(keeps_usage=True)
    chunks = [stream[a:b] for a, b in pairwise([0, *cuts, len(stream)])]
    found = [each for chunk in chunks for each in reader.feed(chunk)] + reader.finish()
    assert [each for each in found if each != Counted(Tokens())] == events
    assert b"".join(map(meter.feed, chunks)) + meter.finish() == stream
    assert (reader.tokens, meter.tokens) == (tokens, tokens)
    assert reader.complete
    assert meter.complete
    assert meter.text_bytes >= reader.text_bytes


@given(parts, stops, figures, st.data())
def test_a_cut_stream_is_known_as_cut(
    said: list[Any], stop: Stop, tokens: Tokens, data: st.DataObject
) -> None:
    stream = stream_of(events_of(said, stop, tokens))
    before_the_end = stream.index(b"event: message_delta") - 2
    reader = MESSAGES_VENDOR.reader()
    reader.feed(stream[: data.draw(st.integers(0, before_the_end))])
    assert isinstance(reader.finish()[-1], Broken)
    assert not reader.complete


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A request with a value somewhere replaced by another, or with bytes cut and added."""
    whole = json.loads(MESSAGES_VENDOR.write(draw(conversations()), MODEL, 50_000).body)
    strange: st.SearchStrategy[Any] = (
        st.none() | st.booleans() | st.integers() | words | st.just([]) | st.just({})
    )
    place: Any = whole
    for _ in range(draw(st.integers(0, 6))):
        keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or draw(st.booleans()):
            place[key] = draw(strange)
            break
        place = place[key]
    body = json.dumps(whole).encode()
    cut = draw(st.integers(0, len(body)))
    return body[:cut] + draw(st.binary(max_size=2)) + body[cut:] if draw(st.booleans()) else body


@settings(max_examples=300)
@given(damaged())
@example(b'{"messages":[{"role":"user","content":"\\ud800"}]}')
@example(b'{"messages":[{"role":"user","content":[{"type":"text","text":"\\ud800"}]}]}')
def test_a_damaged_request_is_read_or_refused(body: bytes) -> None:
    for read in (lambda: MESSAGES_CLIENT.read(Call(body)), lambda: read_count(body)):
        try:
            meaning = read().meaning()
        except BadRequestError:
            continue
        assert isinstance(meaning, Conversation)
        try:
            MESSAGES_VENDOR.write(meaning, MODEL, 50_000)
        except BadRequestError:
            continue


@settings(max_examples=200)
@given(parts, stops, figures, st.data())
def test_a_damaged_answer_is_read_or_refused(
    said: list[Any], stop: Stop, tokens: Tokens, data: st.DataObject
) -> None:
    reply = Reply(id="r", model="m", choices=(Choice(parts=tuple(said), stop=stop),), tokens=tokens)
    whole = MESSAGES_CLIENT.reply(reply, READING)
    stream = stream_of(events_of(said, stop, tokens))
    noise = data.draw(st.binary(max_size=3) | st.sampled_from([b"null", b"[]", b"-1", b'"']))
    at = data.draw(st.integers(0, max(len(whole), len(stream))))
    with suppress(UnreadableError):
        MESSAGES_VENDOR.reply(whole[:at] + noise + whole[at + 2 :])
    MESSAGES_VENDOR.tokens(whole[:at] + noise + whole[at:])
    cut = stream[:at] + noise + stream[at + 2 :]
    reader, meter = MESSAGES_VENDOR.reader(), MESSAGES_VENDOR.meter(keeps_usage=True)
    stream_of([*reader.feed(cut), *reader.finish()])
    assert meter.feed(cut) + meter.finish() == cut
