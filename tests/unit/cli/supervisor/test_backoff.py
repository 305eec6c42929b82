from hypothesis import given
from hypothesis import strategies as st

from pai.cli.supervisor.backoff import MOST_SECONDS, STABLE_SECONDS, Backoff


def test_delays_double_up_to_the_most() -> None:
    backoff = Backoff()
    delays = []
    for _ in range(10):
        backoff = backoff.after(0.0)
        delays.append(backoff.delay_seconds)
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


def test_a_stable_run_forgives() -> None:
    assert Backoff(9).after(STABLE_SECONDS) == Backoff(1)


@given(st.lists(st.floats(0, 1000), max_size=200))
def test_delays_stay_in_bounds(runs: list[float]) -> None:
    backoff = Backoff()
    for ran in runs:
        backoff = backoff.after(ran)
        assert 0.2 <= backoff.delay_seconds <= MOST_SECONDS
