"""Stops of the machine itself."""

from bench.stalls import Stalls, stalls, summary


def test_stops_are_summed_up() -> None:
    assert summary(1, [0.004, 0.001], 5.0) == Stalls(1, 0.4, 4.0, 0.001)
    assert summary(0, [], 5.0) == Stalls(0, 0.0, 0.0, 0.0)


def test_every_core_is_looked_at() -> None:
    found = stalls(0.2)
    assert [each.core for each in found] == list(range(len(found)))
    assert all(0 <= each.share <= 1 for each in found)
