import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.budget.price import Tokens
from pai.dialect.anthropic import MESSAGES_VENDOR
from pai.dialect.anthropic.meter import MOST_EVENT_BYTES
from pai.dialect.sides import Meter


def event(kind: str, end: str = "\n\n", **fields: Any) -> bytes:
    line = end[: len(end) // 2]
    return f"event: {kind}{line}data: {json.dumps({'type': kind, **fields})}{end}".encode()


def meter() -> Meter:
    return MESSAGES_VENDOR.meter(keeps_usage=False)


def stream(end: str = "\n\n") -> bytes:
    parts = [
        event("message_start", end, message={"usage": {"input_tokens": 7, "output_tokens": 1}}),
        event("ping", end),
        event("content_block_start", end, index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", end, index=0, delta={"type": "text_delta", "text": "Hel"}),
        event("content_block_delta", end, index=0, delta={"type": "x", "thinking": "lo\u00e9"}),
        event("content_block_delta", end, index=0, delta={"type": "x", "signature": "sig"}),
        event("content_block_delta", end, index=0, delta={"type": "x", "partial_json": '{"a'}),
        event("content_block_delta", end, index=0, delta={"type": "x", "text": ""}),
        event("content_block_delta", end, index=0, delta={"type": "x", "text": None}),
        event("content_block_delta", end, index=0),
        event("message_delta", end, delta={"stop_reason": None}, usage={"output_tokens": 5}),
        event("message_delta", end, delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9}),
        event("message_stop", end),
    ]
    return b"".join(parts)


TEXT = sum(len(json.dumps(each)) - 2 for each in ("Hel", "lo\u00e9", '{"a'))


@given(
    st.lists(st.integers(0, 1_600), max_size=12),
    st.sampled_from(["\n\n", "\r\n\r\n", "\r\r"]),
)
def test_chunk_boundaries_change_nothing(cuts: list[int], end: str) -> None:
    one, data = meter(), stream(end)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    out = b"".join(one.feed(data[a:b]) for a, b in pairwise(edges)) + one.finish()
    assert out == data
    assert (one.tokens, one.text_bytes, one.complete) == (Tokens(7, 9), TEXT, True)


def test_every_byte_leaves_at_once() -> None:
    one = meter()
    assert one.feed(b"event: mess") == b"event: mess"
    assert one.feed(b"age_stop\n") == b"age_stop\n"
    assert one.finish() == b""


def test_the_last_event_may_come_without_its_end() -> None:
    one = meter()
    one.feed(stream().removesuffix(event("message_stop")).rstrip(b"\n"))
    assert not one.complete
    one.finish()
    assert (one.tokens, one.complete) == (Tokens(7, 9), True)


@pytest.mark.parametrize("usage", [None, {}, {"output_tokens": -1}, "x", {"output_tokens": "7"}])
def test_lying_figures_are_not_believed(usage: Any) -> None:
    one = meter()
    one.feed(event("message_start", message=None))
    one.feed(event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage))
    assert (one.tokens, one.complete) == (None, False)
    one.feed(event("message_delta", delta=None, usage={"input_tokens": 1, "output_tokens": 2}))
    assert (one.tokens, one.complete) == (Tokens(1, 2), False)


def test_what_can_not_be_read_counts_by_its_bytes() -> None:
    one = meter()
    one.feed(b"data: {broken\n\n: comment\n\n")
    assert one.text_bytes == len("{broken")


def test_an_endless_event_is_not_held() -> None:
    one = meter()
    head, body = b"data: ", b"x" * (MOST_EVENT_BYTES + 1)
    assert one.feed(head + body) == head + body
    seen = one.text_bytes
    assert seen >= MOST_EVENT_BYTES
    one.feed(b"xx\n")
    one.feed(b"\n" + stream())
    assert one.text_bytes >= seen + TEXT
    assert one.complete
