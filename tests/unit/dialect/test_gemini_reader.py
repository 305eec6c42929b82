import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.dialect.gemini_answers import USAGE, answer, candidate, cut, event, events_of

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.gemini import GENERATE_VENDOR
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import (
    Begun,
    Broken,
    Counted,
    Delta,
    Ended,
    PartBegun,
    PartEnded,
    Stop,
    TokenLogprob,
)

TOKENS = Tokens(13, 50, 4, 30)
BEGUN = Begun("r1", "gemini-3-flash")
EARLY = {"promptTokenCount": 11, "totalTokenCount": 11}
CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}
LAST = event(answer(candidate({"text": ""}, finishReason="STOP")))


def piece(*parts: Any, usage: Any = EARLY, **more: Any) -> bytes:
    return event(answer(candidate(*parts, **more), usage=usage))


STREAM = (
    piece({"text": "h", "thought": True})
    + piece({"text": "m", "thought": True})
    + b": keep-alive\r\n\r\n"
    + piece({"text": "Hel"})
    + piece({"text": "lo \u00e9"}, {"somethingNew": 1})
    + piece({**CALL, "thoughtSignature": "S"}, {"functionCall": {"id": "x", "name": "g"}})
    + LAST
)
EVENTS = [
    BEGUN,
    PartBegun(0, 0, Thinking(vendor="gemini")),
    Delta(0, 0, "h"),
    Delta(0, 0, "m"),
    PartEnded(0, 0),
    PartBegun(0, 1, Text(text="")),
    Delta(0, 1, "Hel"),
    Delta(0, 1, "lo \u00e9"),
    PartEnded(0, 1),
    PartBegun(0, 2, ToolCall(id="call_r1_0_0", name="f", arguments="", seal="S", vendor="gemini")),
    Delta(0, 2, '{"a": 1}'),
    PartEnded(0, 2),
    PartBegun(0, 3, ToolCall(id="x", name="g", arguments="")),
    Delta(0, 3, "{}"),
    PartEnded(0, 3),
    Ended(0, Stop.TOOL),
    Counted(TOKENS),
]


def test_a_stream() -> None:
    reader = GENERATE_VENDOR.reader()
    assert reader.feed(STREAM) == EVENTS
    assert reader.finish() == []
    assert (reader.tokens, reader.complete) == (TOKENS, True)
    assert reader.text_bytes == len("hmHello \u00e9".encode()) + len('f{"a": 1}g{}')
    assert reader.feed(LAST) == []


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_chunk_boundaries_change_nothing(cuts: list[int]) -> None:
    assert events_of(*cut(STREAM, cuts)) == EVENTS


def test_signatures_end_the_part_they_come_with() -> None:
    found = events_of(
        piece({"text": "t", "thought": True, "thoughtSignature": "A"})
        + piece({"text": "a", "thoughtSignature": "B"})
        + piece({"text": "b"})
        + piece({"text": "", "thoughtSignature": "C"})
        + LAST
    )
    assert found[1:-2] == [
        PartBegun(0, 0, Thinking(vendor="gemini")),
        Delta(0, 0, "t"),
        Delta(0, 0, seal="A"),
        PartEnded(0, 0),
        PartBegun(0, 1, Text(text="")),
        Delta(0, 1, "a"),
        PartEnded(0, 1),
        PartBegun(0, 2, Thinking(seal="B", vendor="gemini", hidden=True)),
        PartEnded(0, 2),
        PartBegun(0, 3, Text(text="")),
        Delta(0, 3, "b"),
        PartEnded(0, 3),
        PartBegun(0, 4, Thinking(seal="C", vendor="gemini", hidden=True)),
        PartEnded(0, 4),
    ]


def test_several_candidates() -> None:
    first = answer(candidate({"text": "a"}), candidate({"text": "b"}, index=1), usage=EARLY)
    half = answer(candidate(finishReason="STOP"), usage=EARLY)
    last = answer(candidate({"text": "c"}, index=1, finishReason="MAX_TOKENS"))
    reader = GENERATE_VENDOR.reader()
    reader.feed(event(first) + event(half))
    assert (reader.tokens, reader.complete) == (Tokens(11, 0), False)
    assert reader.feed(event(last))[-2:] == [Ended(1, Stop.LENGTH), Counted(TOKENS)]
    assert reader.complete


def test_figures_that_come_after_the_end_are_final() -> None:
    reader = GENERATE_VENDOR.reader()
    reader.feed(piece({"text": "a"}, finishReason="STOP", usage=None))
    assert (reader.tokens, reader.complete) == (None, False)
    assert reader.feed(event(answer())) == [Counted(TOKENS)]
    assert reader.complete


def test_figures_of_before_the_end_are_told_but_are_not_final() -> None:
    reader = GENERATE_VENDOR.reader()
    reader.feed(piece({"text": "a"}) + piece(finishReason="STOP", usage=None))
    assert reader.finish() == [Counted(Tokens(11, 0))]
    assert not reader.complete


def test_figures_that_can_not_be_true_are_none() -> None:
    reader = GENERATE_VENDOR.reader()
    reader.feed(piece({"text": "a"}) + piece({"text": "b"}, usage={"promptTokenCount": -1}))
    assert reader.tokens is None
    lying = piece({"text": "a"}, finishReason="STOP", usage={"promptTokenCount": "1"})
    reader = GENERATE_VENDOR.reader()
    reader.feed(lying)
    assert (reader.tokens, reader.complete, reader.finish()) == (None, False, [])


def test_a_prompt_that_was_refused() -> None:
    body = json.dumps({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE})
    found = events_of(event(body.encode()))
    assert found == [Begun("", ""), Ended(0, Stop.FILTER), Counted(TOKENS)]


def test_a_stream_that_ends_early_is_broken() -> None:
    for chunks in ([], [piece({"text": "a"})], [STREAM[: len(STREAM) - len(LAST)]]):
        last = events_of(*chunks)[-1]
        assert isinstance(last, Broken)
        assert not last.overloaded


def test_a_last_event_without_its_end_counts() -> None:
    assert events_of(STREAM[:-4]) == EVENTS


@pytest.mark.parametrize(("code", "overloaded"), [(503, True), (429, True), (500, False)])
def test_an_error_breaks_the_stream(code: int, overloaded: bool) -> None:
    failure = json.dumps({"error": {"code": code, "message": "no"}}).encode()
    found = events_of(piece({"text": "a"}) + event(failure) + LAST)
    assert found[-1] == Broken("no", overloaded)
    assert events_of(event(b'{"error":{}}'))[-1] == Broken(
        "the vendor reports an error without a message"
    )


def test_a_spoiled_call_breaks_the_stream() -> None:
    spoiled = answer(candidate(finishReason="MALFORMED_FUNCTION_CALL", finishMessage="x"))
    reader = GENERATE_VENDOR.reader()
    assert reader.feed(event(spoiled)) == [
        BEGUN,
        Broken("the model gave no answer: MALFORMED_FUNCTION_CALL x"),
    ]
    assert reader.complete
    two = answer(candidate(finishReason="MALFORMED_RESPONSE"), candidate({"text": "x"}, index=1))
    assert events_of(event(two))[1:] == [Broken("the model gave no answer: MALFORMED_RESPONSE")]


def test_what_comes_after_a_candidates_end_adds_nothing() -> None:
    assert events_of(STREAM + piece({"text": "more"})) == EVENTS


def test_a_sum_that_shrinks_is_not_believed() -> None:
    more = {**USAGE, "candidatesTokenCount": 21, "totalTokenCount": 64}
    found = events_of(STREAM + event(answer(usage=EARLY)) + event(answer(usage=more)))
    assert found == [*EVENTS, Counted(Tokens(13, 51, 4, 30))]


def test_logprobs_come_with_their_text() -> None:
    likely = {"chosenCandidates": [{"token": "a", "logProbability": -1.0}]}
    found = events_of(piece({"text": "a"}, {"text": "b"}, logprobsResult=likely) + LAST)
    assert found[2] == Delta(0, 0, "a", "", (TokenLogprob("a", -1.0),))
    assert found[3] == Delta(0, 0, "b")


@pytest.mark.parametrize("data", [b"[]", b"x", b'{"candidates":5}', b'"\xff"'])
def test_what_is_no_answer_can_not_be_read(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        events_of(event(data))


def test_candidates_without_end_can_not_be_read() -> None:
    many = answer(*[candidate(index=place) for place in range(200)])
    with pytest.raises(UnreadableError):
        events_of(event(many))
