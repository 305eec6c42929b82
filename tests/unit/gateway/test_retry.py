import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.gateway.retry import (
    LONGEST_WAIT_SECONDS,
    backoff_seconds,
    is_retryable,
    may_be_billed,
    pause_seconds,
)
from pai.ir.agent import Retry

RETRY = Retry(3, 200, 5000)


@given(st.integers(1, 50), st.floats(0, 1))
def test_backoff_stays_within_its_bounds(failures: int, jitter: float) -> None:
    assert 0.1 <= backoff_seconds(RETRY, failures, jitter) <= 5.0


def test_backoff_grows() -> None:
    assert [backoff_seconds(RETRY, n, 1.0) for n in (1, 2, 3, 9)] == [0.2, 0.4, 0.8, 5.0]


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        (b"0", 0.0),
        (b"1.5", 1.5),
        (b"3600", None),
        (b"-1", 0.2),
        (b"nan", 0.2),
        (b"inf", 0.2),
        (b"Wed, 21 Oct 2015 07:28:00 GMT", 0.2),
    ],
)
def test_the_vendors_wish_comes_first(header: bytes, pause: float | None) -> None:
    assert pause_seconds(RETRY, 1, 1.0, [(b"retry-after", header)]) == pause


def test_attempts_end_and_the_vendor_may_forbid_them() -> None:
    assert pause_seconds(RETRY, 2, 1.0, []) is not None
    assert pause_seconds(RETRY, 3, 1.0, []) is None
    assert pause_seconds(RETRY, 1, 1.0, [(b"x-should-retry", b"false")]) is None
    assert LONGEST_WAIT_SECONDS > 5.0


def test_which_answers_are_worth_another_attempt() -> None:
    assert all(is_retryable(status) for status in (429, 500, 502, 503, 529))
    assert not any(is_retryable(status) for status in (200, 400, 401, 403, 404, 422))
    assert may_be_billed(504)
    assert not may_be_billed(500)
