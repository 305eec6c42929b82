"""The laws of the Responses dialect.

A stream means the same wherever it is cut; what is written comes back as it was, up to the losses
that the writers state; no JSON whatever gets another error out of it than the two that it has.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.conversation import (
    Conversation,
    Media,
    OutputFormat,
    Part,
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
from pai.dialect.responses import RESPONSES_CLIENT, RESPONSES_VENDOR
from pai.dialect.sides import Call

words = st.text(st.characters(codec="utf-8"), max_size=12)
some = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
texts = st.builds(lambda text: Text(text=text), some)
pictures = st.builds(
    lambda data: Media(sort="image", media_type="image/png", data=data, detail="low"),
    st.from_regex(r"[A-Za-z0-9]{4,8}", fullmatch=True),
)
files = st.builds(lambda name: Media(sort="file", url=f"https://x.test/{name}"), names)
arguments = st.dictionaries(names, words, max_size=3).map(json.dumps)
calls = st.builds(lambda n, a: ToolCall(id=f"call_{n}", name=n, arguments=a), names, arguments)
thoughts = st.builds(
    lambda text, seal: Thinking(text=text, seal=seal, vendor="openai", hidden=not text),
    words,
    names,
)
results = st.builds(
    lambda name, parts: ToolResult(id=f"call_{name}", parts=tuple(parts)),
    names,
    st.one_of(
        st.lists(texts, max_size=1), st.lists(texts | pictures | files, min_size=2, max_size=3)
    ),
)


def turns_of(role: Any, parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Turn]:
    return st.lists(parts, min_size=1, max_size=4).map(lambda found: Turn(role, tuple(found)))


users = turns_of("user", texts | pictures | files | results)
models = turns_of("assistant", texts | calls | thoughts)


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    turns = [draw(users)]
    for _ in range(draw(st.integers(0, 2))):
        turns += [draw(models), draw(users)]
    tools = draw(st.lists(names, unique=True, max_size=3))
    schema = Raw(b'{"type":"object"}')
    return Conversation(
        turns=tuple(turns),
        system=tuple(draw(st.lists(texts, max_size=1))),
        tools=tuple(Tool(name=name, schema=schema, strict=False) for name in tools),
        tool_choice=draw(st.sampled_from([None, ToolChoice("any"), ToolChoice("tool", tools[0])]))
        if tools
        else None,
        parallel_tools=draw(st.booleans()) if tools else None,
        output=draw(st.sampled_from([None, OutputFormat(), OutputFormat(name="n", schema=schema)])),
        reasoning=draw(st.sampled_from([None, Reasoning(effort="high", shown=True)])),
        stream=draw(st.booleans()),
    )


@given(conversations())
def test_what_is_written_for_the_vendor_means_the_same_to_us(talk: Conversation) -> None:
    body = RESPONSES_VENDOR.write(talk, "gpt-5.2", 100).body
    assert RESPONSES_CLIENT.read(Call(body)).meaning() == talk


sealed = st.builds(
    lambda text, seal, vendor: Thinking(text=text, seal=seal, vendor=vendor),
    some,
    names,
    st.sampled_from(["openai", "anthropic", "gemini"]),
)
replies = st.builds(
    lambda parts, stop, tokens: Reply(
        id="resp_1", model="m", choices=(Choice(parts=tuple(parts), stop=stop),), tokens=tokens
    ),
    st.lists(texts | sealed | calls, max_size=5),
    st.sampled_from([Stop.END, Stop.LENGTH, Stop.FILTER]),
    st.sampled_from([None, Tokens(9, 5, 2, 1, 1)]),
)


def events_of(reply: Reply, cut: int) -> list[Event]:
    """Return the reply as a stream; each part comes in two pieces."""
    choice = reply.choices[0]
    events: list[Event] = [Begun(reply.id, reply.model)]
    for number, part in enumerate(choice.parts):
        whole = part.arguments if isinstance(part, ToolCall) else part.text
        if isinstance(part, ToolCall):
            events.append(PartBegun(0, number, ToolCall(id=part.id, name=part.name)))
        elif isinstance(part, Thinking):
            events.append(PartBegun(0, number, Thinking(vendor=part.vendor)))
        else:
            events.append(PartBegun(0, number, Text(text="")))
        events += [Delta(0, number, whole[:cut]), Delta(0, number, whole[cut:])]
        if isinstance(part, Thinking):
            events.append(Delta(0, number, seal=part.seal))
        events.append(PartEnded(0, number))
    events.append(Ended(0, choice.stop))
    return [*events, Counted(reply.tokens)] if reply.tokens is not None else events


def expected(reply: Reply) -> Reply:
    choice = reply.choices[0]
    called = any(isinstance(part, ToolCall) for part in choice.parts)
    stop = Stop.TOOL if called and choice.stop is Stop.END else choice.stop
    return Reply(
        id=reply.id,
        model=reply.model,
        choices=(Choice(parts=choice.parts, stop=stop),),
        tokens=reply.tokens,
    )


@given(replies)
def test_a_whole_answer_comes_back_as_it_was(reply: Reply) -> None:
    reading = RESPONSES_CLIENT.read(Call(b'{"model":"m","input":"hi"}'))
    assert RESPONSES_VENDOR.reply(RESPONSES_CLIENT.reply(reply, reading)) == expected(reply)


@given(replies, st.integers(0, 6), st.lists(st.integers(0, 4000), max_size=8))
def test_a_stream_means_what_the_whole_answer_does_wherever_it_is_cut(
    reply: Reply, cut: int, cuts: list[int]
) -> None:
    reading = RESPONSES_CLIENT.read(Call(b'{"model":"m","input":"hi","stream":true}'))
    writer = RESPONSES_CLIENT.writer(reading)
    body = b"".join(map(writer.write, events_of(reply, cut))) + writer.finish()
    last = json.loads(body.split(b"\n\n")[-2].partition(b"data: ")[2])
    assert RESPONSES_VENDOR.reply(json.dumps(last["response"]).encode()) == expected(reply)

    whole = RESPONSES_VENDOR.reader()
    found = whole.feed(body) + whole.finish()
    pieces = RESPONSES_VENDOR.reader()
    edges = [0, *sorted(min(each, len(body)) for each in cuts), len(body)]
    again: list[Event] = []
    for start, end in pairwise(edges):
        again += pieces.feed(body[start:end])
    assert again + pieces.finish() == found
    assert (pieces.tokens, pieces.text_bytes) == (whole.tokens, whole.text_bytes)
    assert found[-1] == Ended(0, expected(reply).choices[0].stop)
    meter = RESPONSES_VENDOR.meter(keeps_usage=True)
    assert b"".join(meter.feed(body[a:b]) for a, b in pairwise(edges)) == body
    assert meter.finish() == b""
    assert meter.tokens == reply.tokens
    assert meter.text_bytes >= whole.text_bytes


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
FULL: dict[str, Any] = {
    "model": "m",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}]},
        {"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image"}]},
    ],
    "tools": [{"type": "function", "name": "n"}, {"type": "namespace", "tools": []}],
    "tool_choice": {"type": "allowed_tools", "tools": [{"type": "function", "name": "n"}]},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
    "reasoning": {"effort": "low"},
    "include": [],
    "max_output_tokens": 5,
}
ANSWER: dict[str, Any] = {
    "type": "response.completed",
    "id": "resp_1",
    "output": [
        {"type": "message", "content": [{"type": "output_text", "text": "a", "logprobs": []}]},
        {"type": "reasoning", "summary": [{"text": "a"}], "encrypted_content": "x"},
        {"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"},
    ],
    "item": {"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"},
    "usage": {"input_tokens": 1, "output_tokens_details": {"reasoning_tokens": 1}},
    "response": {"id": "resp_1", "error": {"code": "x"}, "usage": {"input_tokens": 1}},
    "delta": "x",
    "output_index": 0,
}


@st.composite
def mutated(draw: st.DrawFn, whole: dict[str, Any]) -> bytes:
    """Return the JSON with one value, at any depth, replaced by another."""
    document: Any = json.loads(json.dumps(whole))
    here = document
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if not isinstance(here[key], dict | list) or draw(st.booleans()):
            here[key] = draw(odd)
            break
        here = here[key]
    return json.dumps(document).encode()


def only(error: type[Exception], act: Callable[[], object]) -> None:
    try:
        act()
    except error:
        return


@given(mutated(FULL))
def test_no_request_gets_another_error_than_a_refusal(body: bytes) -> None:
    only(BadRequestError, lambda: RESPONSES_CLIENT.read(Call(body)).meaning())


KINDS = (
    "response.created",
    "response.output_text.delta",
    "response.reasoning_summary_text.delta",
    "response.function_call_arguments.delta",
    "response.output_item.added",
    "response.output_item.done",
    "response.completed",
    "response.failed",
    "error",
)


@given(mutated(ANSWER), st.sampled_from(KINDS))
def test_no_answer_gets_another_error_than_unreadable(body: bytes, kind: str) -> None:
    only(UnreadableError, lambda: RESPONSES_VENDOR.reply(body))
    RESPONSES_VENDOR.tokens(body)
    event = body.replace(b'"response.completed"', json.dumps(kind).encode(), 1)
    data = b"data: " + event + b"\n\n"
    only(UnreadableError, lambda: RESPONSES_VENDOR.reader().feed(data))
    assert RESPONSES_VENDOR.meter(keeps_usage=True).feed(data) == data
