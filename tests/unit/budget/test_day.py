import pytest

from pai.budget.day import seconds_to_midnight, utc_day


@pytest.mark.parametrize(
    ("now", "day", "left"),
    [
        (0.0, "1970-01-01", 86_400),
        (86_399.5, "1970-01-01", 1),
        (86_400.0, "1970-01-02", 86_400),
        (951_782_400.0, "2000-02-29", 86_400),
        (951_868_799.999, "2000-02-29", 1),
    ],
)
def test_days_and_what_is_left_of_them(now: float, day: str, left: int) -> None:
    assert utc_day(now) == day
    assert seconds_to_midnight(now) == left
