import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.budget.price import Tokens
from pai.dialect.openai import read_tokens


def answer(usage: Any) -> bytes:
    return json.dumps({"id": "x", "choices": [], "usage": usage}).encode()


def test_all_figures_are_read() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 9},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    assert read_tokens(answer(usage)) == Tokens(100, 50, 40, 30, 9)


def test_tokens_in_the_total_alone_are_output() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}
    assert read_tokens(answer(usage)) == Tokens(10, 30)
    assert read_tokens(answer({"prompt_tokens": 10, "total_tokens": 10})) == Tokens(10, 0)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        "many",
        {},
        {"prompt_tokens": -1, "completion_tokens": 5},
        {"prompt_tokens": 1, "completion_tokens": -5},
        {"prompt_tokens": "1", "completion_tokens": 5},
        {"prompt_tokens": 1.5, "completion_tokens": 5},
        {"prompt_tokens": True, "completion_tokens": 5},
        {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": -3},
        {"prompt_tokens": 10**30, "completion_tokens": 5},
        {"prompt_tokens": None, "completion_tokens": None},
    ],
)
def test_figures_that_cannot_be_true_are_not_believed(usage: Any) -> None:
    assert read_tokens(answer(usage)) is None


@pytest.mark.parametrize(
    ("cached", "reasoning", "expected"),
    [
        ({"cached_tokens": 99}, {"reasoning_tokens": 99}, Tokens(10, 5, 10, 5)),
        ({"cached_tokens": -1}, None, Tokens(10, 5)),
        ({"cached_tokens": None}, {}, Tokens(10, 5)),
        ({"cached_tokens": 4, "cache_write_tokens": 99}, None, Tokens(10, 5, 4, 0, 6)),
        ({"cached_tokens": "9"}, {"reasoning_tokens": 2}, Tokens(10, 5)),
        ("strange", 7, Tokens(10, 5)),
    ],
)
def test_details_only_inform(cached: Any, reasoning: Any, expected: Tokens) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "prompt_tokens_details": cached,
        "completion_tokens_details": reasoning,
    }
    assert read_tokens(answer(usage)) == expected


@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_none(body: bytes) -> None:
    assert read_tokens(body) is None
