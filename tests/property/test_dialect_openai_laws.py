"""Laws of OpenAI's chat dialect: there and back, any chunk boundaries, clean refusals only."""

import json
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.conversation import (
    Conversation,
    Media,
    OutputFormat,
    Part,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Written,
)
from pai.dialect.openai import CHAT_CLIENT, CHAT_VENDOR, BadRequestError
from pai.dialect.openai.chunk_writer import ChunkWriter
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import (
    Begun,
    Choice,
    Delta,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    Reply,
    Stop,
)
from pai.dialect.sides import Call

words = st.text(min_size=1, max_size=12)
names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
texts = st.builds(Text, text=words)
arguments = st.dictionaries(names, st.integers() | words, max_size=3).map(json.dumps)
schemas = st.just(Raw(b'{"type":"object"}'))
images = st.just(Media(sort="image", media_type="image/png", data="AAAA")) | st.just(
    Media(sort="image", url="https://a/b.png", detail="low")
)
files = st.just(Media(sort="file", media_type="application/pdf", data="BBBB", name="b.pdf"))
sounds = st.just(Media(sort="audio", media_type="audio/wav", data="CCCC"))


@st.composite
def turns(draw: st.DrawFn) -> tuple[Turn, ...]:
    """Draw turns of a form that the API keeps: one text of the model's, results before the rest."""
    found = []
    calls: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        results: list[Part] = [
            ToolResult(id=each, parts=(draw(texts),), failed=False) for each in calls
        ]
        said = draw(
            st.lists(texts | images | files | sounds, min_size=0 if results else 1, max_size=3)
        )
        found.append(Turn("user", (*results, *said)))
        calls = [f"call_{number}_{n}" for n in range(draw(st.integers(0, 2)))]
        spoken = draw(st.lists(texts, min_size=0 if calls else 1, max_size=1))
        called = [ToolCall(id=each, name=draw(names), arguments=draw(arguments)) for each in calls]
        found.append(Turn("assistant", (*spoken, *called)))
    return tuple(found)


tools = st.lists(
    st.builds(
        Tool, name=names, description=words, schema=schemas, strict=st.sampled_from([None, True])
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda tool: tool.name,
).map(tuple)
choices = st.sampled_from([None, ToolChoice("auto"), ToolChoice("any"), ToolChoice("tool", "a")])
conversations = st.builds(
    Conversation,
    turns=turns(),
    system=st.lists(texts, max_size=1).map(tuple),
    tools=tools,
    tool_choice=choices,
    parallel_tools=st.sampled_from([None, False]),
    output=st.sampled_from([None, OutputFormat(), OutputFormat(schema=Raw(b"{}"), name="n")]),
    stops=st.lists(words, max_size=4).map(tuple),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    seed=st.none() | st.integers(0, 99),
    presence_penalty=st.none() | st.floats(0.5, 2),
    top_logprobs=st.none() | st.integers(0, 5),
    answers=st.integers(1, 3),
    stream=st.booleans(),
)


def back(written: Written) -> Conversation:
    meant = CHAT_CLIENT.read(Call(written.body)).meaning()
    assert isinstance(meant, Conversation)
    return meant


@given(conversations)
def test_a_conversation_comes_back_as_it_went(talk: Conversation) -> None:
    written = CHAT_VENDOR.write(talk, "gpt-4o", 50)
    assert written.dropped == ()
    assert back(written) == talk


parts = st.lists(
    st.builds(Thinking, text=words)
    | st.builds(Thinking, text=words, seal=words, vendor=st.sampled_from(["anthropic", "gemini"]))
    | texts
    | st.builds(ToolCall, id=st.just("c"), name=names, arguments=arguments),
    max_size=5,
)


def whole(found: list[Text | Thinking | ToolCall]) -> tuple[Text | Thinking | ToolCall, ...]:
    """Return parts as the API keeps them: thoughts, one text, calls, each with an id of its own."""
    thoughts = [each for each in found if isinstance(each, Thinking)]
    said = "".join(each.text for each in found if isinstance(each, Text))
    called = [each for each in found if isinstance(each, ToolCall)]
    calls = [msgspec.structs.replace(each, id=f"c{n}") for n, each in enumerate(called)]
    return (*thoughts, *([Text(text=said)] if said else []), *calls)


@given(st.lists(parts, min_size=1, max_size=3), st.sampled_from([Stop.END, Stop.LENGTH]))
def test_an_answer_comes_back_as_it_went(found: Any, stop: Stop) -> None:
    kept = tuple(map(whole, found))
    reply = Reply(
        id="chatcmpl-1",
        model="m",
        choices=tuple(
            Choice(
                parts=each,
                stop=Stop.TOOL
                if stop is Stop.END and any(isinstance(part, ToolCall) for part in each)
                else stop,
            )
            for each in kept
        ),
        tokens=Tokens(5, 3, cached=2, reasoning=1, written=1),
    )
    request = CHAT_CLIENT.read(Call(b'{"messages":[]}'))
    assert CHAT_VENDOR.reply(CHAT_CLIENT.reply(reply, request)) == reply


pieces = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(["text", "thought", "call"]), st.integers(0, 2), words
    ),
    max_size=12,
)


def stream_of(told: list[tuple[int, str, int, str]]) -> bytes:
    """Return a stream in which choices, thoughts, text and pieces of calls are mixed."""
    out: list[dict[str, Any]] = []
    for choice, kind, index, text in told:
        function = {"name": f"f{index}", "arguments": json.dumps({"x": text})[: len(text) * 2]}
        deltas: dict[str, Any] = {
            "text": {"content": text},
            "thought": {"reasoning_content": text},
            "call": {"tool_calls": [{"index": index, "id": f"c{index}", "function": function}]},
        }
        delta = deltas[kind]
        out.append({"choices": [{"index": choice, "delta": delta}], "model": "m", "id": "1"})
    for choice in range(3):
        out.append({"choices": [{"index": choice, "delta": {}, "finish_reason": "stop"}]})
    out.append({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 9}})
    return (
        b"".join(b"data: %b\n\n" % json.dumps(each).encode() for each in out) + b"data: [DONE]\n\n"
    )


def events_of(data: bytes, cuts: list[int]) -> list[Event]:
    reader = CHAT_VENDOR.reader()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    out: list[Event] = []
    for start, end in pairwise(edges):
        out += reader.feed(data[start:end])
    assert reader.tokens == Tokens(3, 9)
    assert reader.complete
    return out + reader.finish()


@given(pieces, st.lists(st.integers(0, 2_000), max_size=10))
def test_chunk_boundaries_change_nothing(told: Any, cuts: list[int]) -> None:
    data = stream_of(told)
    assert events_of(data, cuts) == events_of(data, [])


@given(pieces)
def test_parts_of_a_choice_never_overlap_and_nothing_is_lost(told: Any) -> None:
    events = events_of(stream_of(told), [])
    assert isinstance(events[0], Begun)
    open_parts: dict[int, int] = {}
    ended = set()
    for event in events[1:]:
        match event:
            case PartBegun(choice=choice, part=part):
                assert choice not in open_parts
                open_parts[choice] = part
            case Delta(choice=choice, part=part):
                assert open_parts[choice] == part
            case Ended(choice=choice):
                assert choice not in open_parts
                ended.add(choice)
            case PartEnded(choice=choice, part=part):
                assert open_parts.pop(choice) == part
    assert ended == {0, 1, 2}
    for choice in range(3):
        for kind in ("text", "thought"):
            expected = "".join(text for at, sort, _, text in told if (at, sort) == (choice, kind))
            assert said(events, choice, Text if kind == "text" else Thinking) == expected


def said(events: list[Event], choice: int, kind: type[Any]) -> str:
    of_kind = {
        event.part
        for event in events
        if isinstance(event, PartBegun) and event.choice == choice and isinstance(event.begun, kind)
    }
    return "".join(
        event.text
        for event in events
        if isinstance(event, Delta) and event.choice == choice and event.part in of_kind
    )


@given(pieces)
def test_a_stream_comes_back_as_it_went(told: Any) -> None:
    events = events_of(stream_of(told), [])
    writer = ChunkWriter(wants_usage=True)
    data = b"".join(map(writer.write, events)) + writer.finish()
    again = events_of(data, [])
    for choice in range(3):
        for kind in (Text, Thinking, ToolCall):
            assert said(again, choice, kind) == said(events, choice, kind)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
SAMPLE = CHAT_VENDOR.write(
    Conversation(
        turns=(
            Turn("user", (Text(text="a"), Media(sort="image", media_type="image/png", data="A"))),
            Turn("assistant", (ToolCall(id="c", name="f"),)),
            Turn("user", (ToolResult(id="c", parts=(Text(text="x"),)),)),
        ),
        tools=(Tool(name="f"),),
        tool_choice=ToolChoice("tool", "f"),
        output=OutputFormat(schema=Raw(b"{}")),
    ),
    "gpt-4o",
    5,
).body
REPLY = CHAT_CLIENT.reply(
    Reply(
        id="1",
        model="m",
        choices=(
            Choice(
                parts=(Thinking(text="h", seal="s"), Text(text="a"), ToolCall(id="c", name="f"))
            ),
        ),
    ),
    CHAT_CLIENT.read(Call(b"{}")),
)


def mutated(draw: st.DrawFn, value: Any) -> Any:
    """Return a JSON value with something in it exchanged for anything."""
    if draw(st.integers(0, 5)) == 0:
        return draw(json_values)
    if isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: mutated(draw, value[key])}
    if isinstance(value, list) and value:
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], mutated(draw, value[place]), *value[place + 1 :]]
    return draw(json_values)


@given(st.data())
def test_mutated_requests_are_read_or_refused(data: st.DataObject) -> None:
    @st.composite
    def requests(draw: st.DrawFn) -> Any:
        return mutated(draw, json.loads(SAMPLE))

    body = json.dumps(data.draw(requests())).encode()
    try:
        request = CHAT_CLIENT.read(Call(body))
        request.body_for("m", 5, "max_tokens")
        request.meaning()
    except BadRequestError as error:
        assert error.message


@given(st.data())
def test_mutated_answers_are_read_or_unreadable(data: st.DataObject) -> None:
    @st.composite
    def answers(draw: st.DrawFn) -> Any:
        return mutated(draw, json.loads(REPLY))

    value = data.draw(answers())
    body = json.dumps(value).encode()
    try:
        CHAT_VENDOR.reply(body)
    except UnreadableError as error:
        assert str(error)
    CHAT_VENDOR.tokens(body)
    CHAT_VENDOR.error_text(body)
    if isinstance(value, dict) and isinstance(value.get("choices"), list):
        for choice in value["choices"]:
            if isinstance(choice, dict):
                choice["delta"] = choice.pop("message", None)
        reader = CHAT_VENDOR.reader()
        try:
            reader.feed(b"data: %b\n\n" % json.dumps(value).encode())
            reader.finish()
        except UnreadableError as error:
            assert str(error)
