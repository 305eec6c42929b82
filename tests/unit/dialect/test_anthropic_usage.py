import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.anthropic import MESSAGES_VENDOR
from pai.dialect.anthropic.usage import Figures, more_figures, tokens_of, usage_of


def tokens(usage: Any) -> Tokens | None:
    return MESSAGES_VENDOR.tokens(json.dumps({"content": [], "usage": usage}).encode())


def test_cache_reads_and_writes_are_input() -> None:
    usage = {
        "input_tokens": 60,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 30,
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 5},
        "cache_creation": {"ephemeral_5m_input_tokens": 10},
        "service_tier": "standard",
    }
    assert tokens(usage) == Tokens(100, 20, 30, 5, 10)


def test_side_requests_that_the_whole_leaves_out_are_added() -> None:
    iterations = [
        {"type": "message", "input_tokens": 60, "output_tokens": 20},
        {"type": "compaction", "input_tokens": 900, "output_tokens": 90},
        {"type": "advisor_message", "cache_read_input_tokens": 7, "output_tokens": None},
        {"type": "fallback_message", "input_tokens": 60, "output_tokens": 20},
    ]
    usage = {"input_tokens": 60, "output_tokens": 20, "iterations": iterations}
    assert tokens(usage) == Tokens(967, 110)
    assert tokens({**usage, "iterations": [{"type": "compaction", "output_tokens": -1}]}) is None


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        "many",
        {},
        {"input_tokens": 5},
        {"output_tokens": 5},
        {"input_tokens": -1, "output_tokens": 5},
        {"input_tokens": 1, "output_tokens": -5},
        {"input_tokens": "1", "output_tokens": 5},
        {"input_tokens": 1.5, "output_tokens": 5},
        {"input_tokens": True, "output_tokens": 5},
        {"input_tokens": 10**30, "output_tokens": 5},
        {"input_tokens": 1, "output_tokens": 2**41},
        {"input_tokens": 1, "output_tokens": 1, "cache_read_input_tokens": -1},
        {"input_tokens": 1, "output_tokens": 1, "iterations": 5},
    ],
)
def test_figures_that_cannot_be_true_are_not_believed(usage: Any) -> None:
    assert tokens(usage) is None


def test_figures_are_cumulative_and_what_is_left_out_has_not_changed() -> None:
    first = more_figures(Figures(), Raw(b'{"input_tokens":7,"output_tokens":1}'))
    assert first is not None
    last = more_figures(first, Raw(b'{"output_tokens":9,"cache_read_input_tokens":null}'))
    assert last is not None
    assert (first.tokens, last.tokens) == (Tokens(7, 1), Tokens(7, 9))


def test_reasoning_only_informs() -> None:
    usage = {"input_tokens": 1, "output_tokens": 5}
    for strange, reasoning in ((99, 5), (-3, 0), (None, 0)):
        details = {"thinking_tokens": strange}
        assert tokens({**usage, "output_tokens_details": details}) == Tokens(1, 5, 0, reasoning)


@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_none(body: bytes) -> None:
    assert MESSAGES_VENDOR.tokens(body) is None


@given(*[st.integers(0, 1_000)] * 5)
def test_figures_survive_being_said_again(
    plain: int, cached: int, written: int, output: int, reasoning: int
) -> None:
    known = Tokens(plain + cached + written, output, cached, min(reasoning, output), written)
    assert tokens_of(Raw(json.dumps(usage_of(known)).encode())) == known
