"""Laws of the Gemini dialect: what is written means what was read, nothing strange passes."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from tests.unit.dialect.gemini_answers import USAGE, answer, candidate, cut, event
from tests.unit.dialect.gemini_calls import USER

from pai.dialect.conversation import (
    Conversation,
    Media,
    OutputFormat,
    Part,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from pai.dialect.gemini import (
    EMBED_CLIENT,
    EMBED_VENDOR,
    GENERATE_CLIENT,
    GENERATE_VENDOR,
    ArrayMeter,
    GenerateRequest,
    read_count,
)
from pai.dialect.refused import BadRequestError, UnreadableError
from pai.dialect.sides import Call

MODEL = "gemini-3-flash-preview"
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
pictures = st.builds(
    Media,
    sort=st.just("image"),
    media_type=st.sampled_from(["image/png", "image/webp"]),
    data=st.sampled_from(["AAAA", "+/8="]),
)
said = st.lists(st.one_of(st.builds(Text, text=words), pictures), min_size=1, max_size=3)
numbers = st.none() | st.floats(0, 1, allow_nan=False)
choices = st.none() | st.sampled_from(
    [ToolChoice("auto"), ToolChoice("none"), ToolChoice("any"), ToolChoice("tool", "f")]
)
TOOLS = (
    Tool(name="f", description="d", schema=Raw(b'{"type":"object","properties":{"a_b":{}}}')),
    Tool(name="g", description="g"),
)


@st.composite
def talks(draw: st.DrawFn) -> Conversation:
    """A conversation of turns that Gemini can have, tools called and answered."""
    turns: list[Turn] = [Turn("user", tuple(draw(said)))]
    for number in range(draw(st.integers(0, 3))):
        calls = [
            ToolCall(
                id=f"c{number}_{place}",
                name="f",
                arguments=draw(st.sampled_from(["{}", '{"a_b":1}', '{"mime_type":"x"}'])),
                seal="Zm9v",
                vendor="gemini",
            )
            for place in range(draw(st.integers(0, 2)))
        ]
        own: list[Part] = [Text(text=draw(words))]
        results = [
            ToolResult(
                id=each.id,
                name="f",
                parts=(Text(text=draw(words)), *draw(st.lists(pictures, max_size=1))),
                failed=draw(st.booleans()),
            )
            for each in calls
        ]
        turns.append(Turn("assistant", (*own, *calls)))
        turns.append(Turn("user", (*results, *draw(said))))
    return Conversation(
        turns=tuple(turns),
        system=tuple(draw(st.lists(st.builds(Text, text=words), max_size=2))),
        tools=TOOLS,
        tool_choice=draw(choices),
        output=draw(st.none() | st.just(OutputFormat(schema=Raw(b'{"type":"object"}')))),
        stops=tuple(draw(st.lists(words, max_size=5))),
        temperature=draw(numbers),
        top_p=draw(numbers),
        top_k=draw(st.none() | st.integers(1, 99)),
        seed=draw(st.none() | st.integers(-(2**31), 2**31 - 1)),
        top_logprobs=draw(st.none() | st.integers(0, 5)),
        answers=draw(st.integers(1, 4)),
    )


def _read(body: bytes, method: str = "generateContent") -> GenerateRequest:
    found = GENERATE_CLIENT.read(Call(body, "fast", method))
    assert isinstance(found, GenerateRequest)
    return found


@given(talks())
def test_a_conversation_written_for_google_means_the_same(talk: Conversation) -> None:
    written = GENERATE_VENDOR.write(talk, MODEL, 100)
    assert written.dropped == ()
    assert _read(written.body).meaning() == talk


@given(talks(), st.integers(1, 200))
def test_what_is_passed_on_keeps_all_but_the_cap(talk: Conversation, cap: int) -> None:
    body = GENERATE_VENDOR.write(talk, MODEL, 100).body
    passed = _read(body).body_for("other", cap, "")
    expected = json.loads(body)
    expected["generationConfig"]["maxOutputTokens"] = min(100, cap)
    assert json.loads(passed) == expected


WHOLE = json.dumps(
    {
        "contents": [
            USER,
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]},
            {"parts": [{"functionResponse": {"name": "f", "response": {"output": "x"}}}]},
            {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
        ],
        "system_instruction": {"parts": {"text": "s"}},
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "generationConfig": {"maxOutputTokens": 5, "thinkingConfig": {"thinkingBudget": 1}},
    }
).encode()
EMBED = json.dumps({"requests": [{"content": {"parts": [{"text": "a"}]}}]}).encode()


def _mutated(whole: bytes) -> st.SearchStrategy[bytes]:
    place = st.integers(0, len(whole))
    return st.builds(
        lambda start, end, new: whole[: min(start, end)] + new + whole[max(start, end) :],
        place,
        place,
        st.sampled_from([b"", b"5", b"null", b'"x"', b"[]", b"{}", b"\xff", b'"a_b":1,', b"-1"])
        | st.binary(max_size=4),
    )


@given(_mutated(WHOLE))
def test_a_mutated_request_is_read_or_refused(body: bytes) -> None:
    with suppress(BadRequestError):
        reading = _read(body, "streamGenerateContent")
        json.loads(reading.body_for("m", 1, ""))
        GENERATE_VENDOR.write(reading.meaning(), MODEL, 1)
    with suppress(BadRequestError):
        read_count(Call(body, "fast")).meaning()


@given(_mutated(EMBED), st.sampled_from(["embedContent", "batchEmbedContents"]))
def test_a_mutated_request_to_embed_is_read_or_refused(body: bytes, method: str) -> None:
    with suppress(BadRequestError):
        reading = EMBED_CLIENT.read(Call(body, "fast", method))
        json.loads(reading.body_for("m", 1, ""))
        EMBED_VENDOR.write(reading.meaning(), "m", 1)


ANSWER = answer(
    candidate(
        {"text": "hm", "thought": True},
        {"text": "a", "thoughtSignature": "S"},
        {"functionCall": {"name": "f", "args": {"a": 1}}},
        finishReason="STOP",
        logprobsResult={"chosenCandidates": [{"token": "a", "logProbability": -1}]},
    ),
    promptFeedback={},
    usage=USAGE,
)


@given(_mutated(ANSWER), st.lists(st.integers(0, 900), max_size=4))
def test_a_mutated_answer_is_read_or_unreadable(body: bytes, cuts: list[int]) -> None:
    """And a meter never fails: it passes on whatever comes."""
    GENERATE_VENDOR.tokens(body)
    GENERATE_VENDOR.error_text(body)
    for read in (GENERATE_VENDOR.reply, lambda data: EMBED_VENDOR.vectors(data, "m")):
        with suppress(UnreadableError):
            read(body)
    stream = event(ANSWER) + event(body)
    for meter, data in (
        (GENERATE_VENDOR.meter(keeps_usage=True), stream),
        (ArrayMeter(), b"[" + ANSWER + b"," + body + b"]"),
    ):
        assert b"".join(map(meter.feed, cut(data, cuts))) + meter.finish() == data
    _stream(cut(stream, cuts))


def _stream(chunks: list[bytes]) -> None:
    reader = GENERATE_VENDOR.reader()
    reading: Any = _read(WHOLE, "streamGenerateContent")
    writer = GENERATE_CLIENT.writer(reading)
    try:
        events = [each for chunk in chunks for each in reader.feed(chunk)] + reader.finish()
    except UnreadableError:
        return
    whole = b"".join(map(writer.write, events)) + writer.finish()
    assert isinstance(json.loads(whole), list)


@given(st.lists(st.sampled_from(list(b'[]{}",:\\ x')), max_size=60), st.lists(st.integers(0, 60)))
def test_an_array_of_any_bytes_passes(data: list[int], cuts: list[int]) -> None:
    whole = bytes(data)
    meter = ArrayMeter()
    assert b"".join(map(meter.feed, cut(whole, cuts))) + meter.finish() == whole
