import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.budget.price import Tokens
from pai.dialect.responses import RESPONSES_VENDOR
from pai.dialect.responses.usage import read_tokens, usage_of
from pai.dialect.sides import Meter
from pai.dialect.sse import MOST_EVENT_BYTES

USAGE = {
    "input_tokens": 75,
    "input_tokens_details": {"cached_tokens": 32, "cache_write_tokens": 3},
    "output_tokens": 1186,
    "output_tokens_details": {"reasoning_tokens": 1024},
    "total_tokens": 1261,
}
TOKENS = Tokens(75, 1186, 32, 1024, 3)


def event(kind: str, end: bytes = b"\n\n", **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}).encode()
    line = b"\r\n" if end == b"\r\n\r\n" else end[:1]
    return b"event: " + kind.encode() + line + b"data: " + data + end


def stream(end: bytes = b"\n\n", last: str = "response.completed") -> bytes:
    return b"".join(
        (
            event("response.created", end, response={"id": "resp_1", "usage": None}),
            b": keep-alive" + end,
            event("response.output_text.delta", end, delta="Hel", obfuscation="xxxx"),
            event("response.output_text.delta", end, delta="lo \u00e9"),
            event("response.reasoning_text.delta", end, delta="hm"),
            event("response.function_call_arguments.delta", end, delta='{"a"'),
            event("response.shell_call_output_content.delta", end, delta={"stdout": "x"}),
            event("response.output_text.done", end, text="Hello \u00e9"),
            event(last, end, response={"id": "resp_1", "usage": USAGE}),
        )
    )


def run(meter: Meter, data: bytes, cuts: list[int]) -> bytes:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return b"".join([meter.feed(data[a:b]) for a, b in pairwise(edges)]) + meter.finish()


@given(
    st.lists(st.integers(0, 1200), max_size=12),
    st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r"]),
    st.sampled_from(["response.completed", "response.incomplete", "response.failed"]),
)
def test_chunk_boundaries_change_nothing(cuts: list[int], end: bytes, last: str) -> None:
    meter = RESPONSES_VENDOR.meter(keeps_usage=True)
    whole = stream(end, last)
    assert run(meter, whole, cuts) == whole
    assert (meter.tokens, meter.complete) == (TOKENS, True)
    texts = ["Hel", "lo \u00e9", "hm", '{"a"']
    assert meter.text_bytes == sum(len(json.dumps(each)) - 2 for each in texts) + len(
        '{"stdout": "x"}'
    )


def test_every_byte_leaves_at_once() -> None:
    meter = RESPONSES_VENDOR.meter(keeps_usage=False)
    assert meter.feed(b"event: resp") == b"event: resp"
    assert meter.feed(b"x") == b"x"


def test_an_event_at_the_very_end_needs_no_blank_line() -> None:
    meter = RESPONSES_VENDOR.meter(keeps_usage=True)
    meter.feed(stream().rstrip(b"\n"))
    assert not meter.complete
    assert meter.finish() == b""
    assert (meter.tokens, meter.complete) == (TOKENS, True)


@pytest.mark.parametrize("response", [{}, {"usage": None}, {"usage": {"input_tokens": -1}}, 3])
def test_a_last_event_without_figures_is_not_complete(response: Any) -> None:
    meter = RESPONSES_VENDOR.meter(keeps_usage=True)
    meter.feed(event("response.failed", response=response))
    assert (meter.tokens, meter.complete) == (None, False)


def test_what_can_not_be_read_counts_by_its_bytes_and_done_is_nothing() -> None:
    meter = RESPONSES_VENDOR.meter(keeps_usage=True)
    meter.feed(b"data: {broken\n\ndata: [DONE]\n\n: x\n\n")
    assert meter.text_bytes == len(b"{broken")


def test_an_endless_event_is_let_go_and_counts() -> None:
    meter = RESPONSES_VENDOR.meter(keeps_usage=True)
    piece = b"x" * (1 << 20)
    meter.feed(b"data: ")
    for _ in range(MOST_EVENT_BYTES // len(piece) + 3):
        assert meter.feed(piece) == piece
    assert meter.text_bytes > MOST_EVENT_BYTES
    meter.feed(b"\n\n" + stream())
    assert (meter.tokens, meter.complete) == (TOKENS, True)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (USAGE, TOKENS),
        ({"input_tokens": 3}, None),
        ({"input_tokens": 3, "total_tokens": 3}, Tokens(3)),
        ({"input_tokens": 3, "output_tokens": 2, "total_tokens": 9}, Tokens(3, 6)),
        ({"input_tokens": 3, "output_tokens": 2, "output_tokens_details": None}, Tokens(3, 2)),
        ({"input_tokens": 3, "output_tokens": 2, "output_tokens_details": 7}, Tokens(3, 2)),
        (
            {
                "input_tokens": 3,
                "output_tokens": 2,
                "input_tokens_details": {"cached_tokens": 9, "cache_write_tokens": 9},
                "output_tokens_details": {"reasoning_tokens": -4},
            },
            Tokens(3, 2, 3, 0, 0),
        ),
        ({"input_tokens": "3"}, None),
        ({"input_tokens": 3.5}, None),
        ({"input_tokens": 2**41}, None),
        ({"output_tokens": 3}, None),
        (None, None),
        ([], None),
    ],
)
def test_figures_are_believed_only_when_they_can_be_true(usage: Any, tokens: Tokens | None) -> None:
    assert read_tokens(json.dumps({"usage": usage}).encode()) == tokens


@pytest.mark.parametrize(
    ("used", "tokens"),
    [
        ({"image_gen": {"input_tokens": 10, "output_tokens": 20}}, Tokens(13, 22)),
        ({"image_gen": {"input_tokens": -10, "output_tokens": 20}}, Tokens(3, 2)),
        ({"image_gen": None}, Tokens(3, 2)),
        (None, Tokens(3, 2)),
        (7, Tokens(3, 2)),
    ],
)
def test_what_the_image_tool_used_is_billed_besides(used: Any, tokens: Tokens) -> None:
    body = {"usage": {"input_tokens": 3, "output_tokens": 2}, "tool_usage": used}
    assert RESPONSES_VENDOR.tokens(json.dumps(body).encode()) == tokens


def test_a_body_that_is_no_object_has_no_figures() -> None:
    assert read_tokens(b"[") is None


def test_usage_is_written_as_it_is_read() -> None:
    assert usage_of(TOKENS) == USAGE
    assert usage_of(None) is None
