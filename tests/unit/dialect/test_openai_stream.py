import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.budget.price import Tokens
from pai.dialect.openai import StreamMeter
from pai.dialect.openai.stream import MOST_EVENT_BYTES


def event(end: bytes = b"\n\n", **fields: Any) -> bytes:
    return b"data: " + json.dumps(fields).encode() + end


def delta(text: str, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, **more}], "usage": None}


USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
DONE = b"data: [DONE]\n\n"


def stream(end: bytes = b"\n\n") -> tuple[bytes, bytes]:
    """Return a stream with its usage event, and the same without."""
    start = event(end, **delta("Hel")) + b": keep-alive" + end + event(end, **delta("lo \u00e9"))
    return start + event(end, choices=[], usage=USAGE) + DONE, start + DONE


def run(meter: StreamMeter, data: bytes, cuts: list[int]) -> bytes:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    out = [meter.feed(data[a:b]) for a, b in pairwise(edges)]
    return b"".join(out) + meter.finish()


@given(
    st.lists(st.integers(0, 400), max_size=12),
    st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r"]),
    st.booleans(),
)
def test_chunk_boundaries_change_nothing(cuts: list[int], end: bytes, keeps: bool) -> None:
    meter = StreamMeter(keeps_usage=keeps)
    full, without = stream(end)
    assert run(meter, full, cuts) == (full if keeps else without)
    assert meter.tokens == Tokens(7, 2)
    assert meter.complete
    assert meter.text_bytes == len("Hel") + len(json.dumps("lo \u00e9")) - 2


def test_every_complete_event_leaves_at_once() -> None:
    meter = StreamMeter(keeps_usage=False)
    first = event(**delta("a"))
    assert meter.feed(first + b"data: {") == first


def test_cumulative_figures_are_not_summed_and_the_highest_counts() -> None:
    meter = StreamMeter(keeps_usage=True)
    for output in (1, 2, 3, 2):
        usage = {"prompt_tokens": 7, "completion_tokens": output}
        chunk = {**delta("a"), "usage": usage}
        assert meter.feed(event(**chunk)) != b""
    assert meter.tokens == Tokens(7, 3)
    assert not meter.complete


def test_figures_beside_the_last_text_stay_in_the_stream() -> None:
    meter = StreamMeter(keeps_usage=False)
    last = event(**{**delta("a", finish_reason="stop"), "usage": USAGE})
    assert meter.feed(last) == last
    assert meter.complete


def test_figures_after_the_end_are_final_even_beside_an_empty_choice() -> None:
    meter = StreamMeter(keeps_usage=False)
    meter.feed(event(**delta("a", finish_reason="stop")))
    last = event(**{**delta(""), "usage": USAGE})
    assert meter.feed(last) == last
    assert meter.complete
    other = StreamMeter(keeps_usage=False)
    other.feed(event(**delta("a", finish_reason="stop")))
    other.feed(event(choices=[{"index": 1, "delta": {"content": "b"}}], usage=USAGE))
    assert not other.complete


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": -1}, "x", {"prompt_tokens": "7"}])
def test_a_lying_usage_event_is_stripped_and_not_believed(usage: Any) -> None:
    meter = StreamMeter(keeps_usage=False)
    assert meter.feed(event(choices=[], usage=usage)) == b""
    assert meter.tokens is None
    assert not meter.complete


def test_reasoning_and_tool_calls_count_as_output() -> None:
    meter = StreamMeter(keeps_usage=False)
    calls = [{"index": 0, "function": {"arguments": "{}"}}]
    fields = {"role": "assistant", "reasoning_content": "hmm", "tool_calls": calls, "content": None}
    meter.feed(event(choices=[{"delta": fields}]))
    assert meter.text_bytes >= len("hmm") + len(json.dumps(calls)) - 2


def test_a_split_data_field_is_one_event() -> None:
    meter = StreamMeter(keeps_usage=False)
    sent = b'data: {"choices":[],\ndata: "usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n'
    assert meter.feed(sent) == b""
    assert meter.tokens == Tokens(7, 2)


def test_an_endless_line_passes_in_bounded_memory_and_is_counted() -> None:
    meter = StreamMeter(keeps_usage=False)
    piece, out = b"data: " + b"x" * 65_530, 0
    for _ in range(64):
        out += len(meter.feed(piece))
        assert len(meter._rest) <= MOST_EVENT_BYTES
    out += len(meter.feed(b"\n\n")) + len(meter.finish())
    assert out == 64 * len(piece) + 2
    assert meter.text_bytes >= out - 8
    full, without = stream()
    assert meter.feed(full) == without  # and the stream goes on as usual


def test_what_is_no_chunk_counts_by_its_bytes() -> None:
    meter = StreamMeter(keeps_usage=False)
    assert meter.feed(b"data: garbage\n\n") == b"data: garbage\n\n"
    assert meter.text_bytes == len(b"garbage")


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_garbage_passes_unchanged(chunks: list[bytes]) -> None:
    meter = StreamMeter(keeps_usage=True)
    assert b"".join([*map(meter.feed, chunks), meter.finish()]) == b"".join(chunks)
    assert meter.tokens is None
