"""Pauses between tries."""

from hypothesis import given
from hypothesis import strategies as st

from pai.kube.backoff import MOST_SECONDS, pause_seconds


@given(st.integers(1, 10_000), st.floats(0, 0.999), st.none() | st.floats(0, 300))
def test_pauses_are_bounded_and_never_shorter_than_asked(
    failures: int, spread: float, asked: float | None
) -> None:
    pause = pause_seconds(failures, spread, asked)
    assert 0.25 <= pause <= max(MOST_SECONDS, (asked or 0) * 1.1)
    assert pause >= (asked or 0)


def test_pauses_grow() -> None:
    assert [pause_seconds(n, 1.0) for n in range(1, 8)] == [0.5, 1, 2, 4, 8, 16, 20]
