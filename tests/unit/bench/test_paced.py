"""When requests leave that are sent at a rate."""

from itertools import pairwise

import pytest
from bench.paced import due_moments


def test_requests_leave_at_the_rate_that_was_asked_for() -> None:
    moments = list(due_moments(100.0, 1000.0, 5.0))
    assert len(moments) == pytest.approx(5000, rel=0.05)
    assert all(100.0 < moment < 105.0 for moment in moments)
    assert all(one < other for one, other in pairwise(moments))


def test_the_same_moments_are_used_for_everyone() -> None:
    assert list(due_moments(0.0, 100.0, 1.0)) == list(due_moments(0.0, 100.0, 1.0))
