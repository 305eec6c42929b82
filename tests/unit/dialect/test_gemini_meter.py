import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.dialect.gemini_answers import USAGE, answer, candidate, cut, event

from pai.budget.price import Tokens
from pai.dialect.gemini import GENERATE_VENDOR, ArrayMeter
from pai.dialect.gemini.meter import MOST_PIECE_BYTES
from pai.dialect.sides import Meter

TOKENS = Tokens(13, 50, 4, 30)
EARLY = {"promptTokenCount": 11, "totalTokenCount": 11}
TRICKY = {"text": 'a"}]\\ [{\\\\'}
PIECES = [
    answer(candidate({"text": "Hel"}), usage=EARLY),
    answer(candidate(TRICKY, {"text": "lo \u00e9", "thought": True}), usage=EARLY),
    answer(candidate({"functionCall": {"name": "f"}, "thoughtSignature": "x" * 99}), usage=EARLY),
    answer(candidate({"text": ""}, finishReason="STOP")),
]
SAID = len('Helaxx}]xx [{xxxxlo xxxxxx{"name": "f"') - 1


def as_events(pieces: list[bytes], end: bytes = b"\r\n\r\n") -> bytes:
    return b": hello" + end + b"".join(event(each, end) for each in pieces)


def as_array(pieces: list[bytes]) -> bytes:
    return b"[" + b",\r\n".join(pieces) + b"\r\n]\r\n"


def events_meter() -> Meter:
    return GENERATE_VENDOR.meter(keeps_usage=False)


def run(meter: Meter, data: bytes, cuts: list[int]) -> None:
    assert b"".join(meter.feed(each) for each in cut(data, cuts)) + meter.finish() == data


def figures(meter: Meter) -> tuple[Tokens | None, int, bool]:
    return meter.tokens, meter.text_bytes, meter.complete


@given(
    st.lists(st.integers(0, 1500), max_size=12),
    st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r"]),
)
def test_chunk_boundaries_of_events_change_nothing(cuts: list[int], end: bytes) -> None:
    meter = events_meter()
    run(meter, as_events(PIECES, end), cuts)
    assert figures(meter) == (TOKENS, SAID, True)


@given(st.lists(st.integers(0, 1500), max_size=12), st.booleans())
def test_chunk_boundaries_of_an_array_change_nothing(cuts: list[int], pretty: bool) -> None:
    meter = ArrayMeter()
    pieces = PIECES
    if pretty:
        pieces = [json.dumps(json.loads(each), indent=2).encode() for each in PIECES]
    run(meter, as_array(pieces), cuts)
    assert (meter.tokens, meter.complete) == (TOKENS, True)
    assert meter.text_bytes == SAID or pretty


@pytest.mark.parametrize("make", [events_meter, ArrayMeter])
def test_pieces_that_come_one_by_one(make: Callable[[], Meter]) -> None:
    meter = make()
    if isinstance(meter, ArrayMeter):
        chunks = [b"[" + PIECES[0], *(b",\r\n" + each for each in PIECES[1:]), b"]"]
    else:
        chunks = [event(each) for each in PIECES]
    seen = []
    for chunk in chunks:
        assert meter.feed(chunk) == chunk
        seen.append((meter.tokens, meter.complete))
    assert seen[0] == (Tokens(11, 0), False)
    assert seen[-1] == (TOKENS, True)
    assert meter.text_bytes == SAID


@pytest.mark.parametrize("make", [events_meter, ArrayMeter])
def test_a_piece_without_end_is_never_held(make: Callable[[], Meter]) -> None:
    meter = make()
    meter.feed(b"[" if isinstance(meter, ArrayMeter) else b"data: ")
    meter.feed(b'{"candidates":[{"content":{"parts":[{"text":"')
    held = b"x" * 100_000
    for _ in range(40):
        meter.feed(held)
    meter.feed(b'"}]}}]}')
    meter.feed(b"," if isinstance(meter, ArrayMeter) else b"\r\n\r\n")
    assert meter.text_bytes >= 4_000_000
    assert not meter.complete
    state = [getattr(meter, each, b"") for each in ("_rest", "_pieces")]
    assert sum(len(each) for each in state) < 1_000
    last = PIECES[-1]
    meter.feed(last if isinstance(meter, ArrayMeter) else event(last))
    meter.finish()
    assert (meter.tokens, meter.complete) == (TOKENS, True)
    assert MOST_PIECE_BYTES < 4_000_000


@pytest.mark.parametrize("make", [events_meter, ArrayMeter])
def test_what_can_not_be_read_counts_by_its_bytes(make: Callable[[], Meter]) -> None:
    meter = make()
    strange = b'{"candidates":"surprise"}'
    run(meter, as_array([strange]) if isinstance(meter, ArrayMeter) else event(strange), [])
    assert figures(meter) == (None, len(strange), False)


def test_a_stream_that_is_cut() -> None:
    meter = events_meter()
    run(meter, event(PIECES[0]) + b'data: {"candid', [])
    assert figures(meter) == (Tokens(11, 0), 3 + len(b'{"candid'), False)
    array = ArrayMeter()
    run(array, b"[" + PIECES[0] + b',{"candid', [])
    assert figures(array) == (Tokens(11, 0), 3 + len(b'{"candid'), False)


def test_an_answer_that_is_no_array() -> None:
    for data in (PIECES[-1], b'{"error":{"code":400}}', b"]]}}", b"", b"null"):
        meter = ArrayMeter()
        run(meter, data, [1])
        assert meter.tokens == (TOKENS if data is PIECES[-1] else None)


def test_all_candidates_must_have_ended() -> None:
    def look(*pieces: bytes) -> tuple[Tokens | None, int, bool]:
        meter = events_meter()
        run(meter, as_events(list(pieces)), [])
        return figures(meter)

    both = answer(candidate({"text": "a"}), candidate({"text": "b"}, index=1))
    first, second = (answer(candidate(index=each, finishReason="STOP")) for each in (0, 1))
    assert look(both, first) == (TOKENS, 2, False)
    assert look(both, first, second) == (TOKENS, 2, True)
    late = answer(candidate({"text": "more"}), usage=None)
    assert look(both, first, second, late)[2] is False
    silent = answer(candidate({"text": ""}))
    assert look(both, first, second, silent)[2] is True


def test_figures_must_come_with_the_end_or_after_it() -> None:
    bare = answer(candidate(finishReason="STOP"), usage=None)
    for pieces, complete in (
        ([PIECES[0], bare], False),
        ([PIECES[0], bare, answer()], True),
        ([answer(candidate(finishReason="STOP"), usage={"promptTokenCount": -1})], False),
    ):
        meter = events_meter()
        run(meter, as_events(pieces), [])
        assert meter.complete is complete


def test_a_sum_that_shrinks_is_not_believed() -> None:
    for usage in (EARLY, {"promptTokenCount": -1}):
        meter = events_meter()
        run(meter, as_events([*PIECES, answer(usage=usage)]), [])
        assert figures(meter) == (TOKENS, SAID, True)


def test_a_prompt_that_was_refused_is_complete() -> None:
    blocked: dict[str, Any] = {"promptFeedback": {"blockReason": "X"}, "usageMetadata": USAGE}
    meter = events_meter()
    run(meter, event(json.dumps(blocked).encode()), [])
    assert figures(meter) == (TOKENS, 0, True)
    nothing = events_meter()
    run(nothing, event(b'{"promptFeedback":{}}') + event(b"[DONE]"), [])
    assert not nothing.complete


def test_candidates_without_end_are_bounded() -> None:
    meter = events_meter()
    many = answer(*[candidate({"text": "x"}, index=each) for each in range(5_000)])
    run(meter, event(many), [])
    assert not meter.complete
    assert len(getattr(meter, "_open")) <= 128  # noqa: B009 - of the implementation
