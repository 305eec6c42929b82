"""When requests leave that are sent at a rate."""

from itertools import pairwise

import pytest
from bench.paced import due_moments, summary


def test_requests_leave_at_the_rate_that_was_asked_for() -> None:
    moments = list(due_moments(100.0, 1000.0, 5.0))
    assert len(moments) == pytest.approx(5000, rel=0.05)
    assert all(100.0 < moment < 105.0 for moment in moments)
    assert all(one < other for one, other in pairwise(moments))


def test_the_same_moments_are_used_for_everyone() -> None:
    assert list(due_moments(0.0, 100.0, 1.0)) == list(due_moments(0.0, 100.0, 1.0))


def test_a_machine_that_stops_now_and_then_is_seen_in_the_whole_and_not_in_its_pieces() -> None:
    """Each second, 8000 requests, 150 of which were due while it stood still."""
    second = [*[0.0003] * 7850, *[0.005] * 150]
    found = summary(second * 5, 0)
    assert found.p50_us == pytest.approx(300)
    assert found.p99_us == pytest.approx(5000)
    assert found.piece_p99_us == pytest.approx(300)


def test_a_proxy_that_is_always_slow_now_and_then_is_so_in_its_pieces() -> None:
    found = summary([*[0.0003] * 97, *[0.005] * 3] * 100, 0)
    assert found.p99_us == found.piece_p99_us == pytest.approx(5000)
