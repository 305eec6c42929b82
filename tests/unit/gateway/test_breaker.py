from pai.gateway.breaker import FAILURES, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Breaker


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(now)
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker()
    for _ in range(3 * FAILURES):
        for _ in range(FAILURES - 1):
            breaker.failed(0.0)
        assert breaker.closed
        breaker.succeeded()
    assert not opened().closed


def test_open_it_lets_nobody_through_until_its_time_and_then_one() -> None:
    breaker = opened(100.0)
    assert breaker.wait_seconds(100.0) == FIRST_PAUSE_SECONDS
    assert breaker.wait_seconds(102.0) == FIRST_PAUSE_SECONDS - 2
    assert breaker.wait_seconds(100.0 + FIRST_PAUSE_SECONDS) == 0
    assert breaker.wait_seconds(100.0 + FIRST_PAUSE_SECONDS) > 0, "one at a time"


def test_success_of_that_one_closes_it() -> None:
    breaker = opened()
    assert breaker.wait_seconds(FIRST_PAUSE_SECONDS) == 0
    breaker.succeeded()
    assert breaker.closed
    breaker.failed(9.0)
    assert breaker.closed, "counted anew"


def test_failure_of_that_one_doubles_the_pause_up_to_a_bound() -> None:
    breaker, now = opened(), 0.0
    pauses = []
    for _ in range(6):
        now += breaker.wait_seconds(now)
        assert breaker.wait_seconds(now) == 0
        breaker.failed(now)
        pauses.append(breaker.wait_seconds(now))
    assert pauses == [10.0, 20.0, 40.0, *[LONGEST_PAUSE_SECONDS] * 3]


def test_one_that_ends_without_a_word_lets_the_next_try() -> None:
    breaker = opened()
    assert breaker.wait_seconds(FIRST_PAUSE_SECONDS) == 0
    breaker.gave_up()
    assert breaker.wait_seconds(FIRST_PAUSE_SECONDS) == 0
    breaker.succeeded()
    breaker.gave_up()
    assert breaker.closed


def test_failures_of_earlier_requests_that_end_while_it_is_open_change_nothing() -> None:
    breaker = opened()
    before = breaker.wait_seconds(1.0)
    breaker.failed(1.0)
    assert breaker.wait_seconds(1.0) == before
