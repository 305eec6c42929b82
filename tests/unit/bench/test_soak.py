"""What counts as growth."""

from bench.soak import Soak, growth, table


def test_the_start_may_grow_and_one_high_reading_is_no_growth() -> None:
    assert growth([30.0, 44.0, 44.0, 44.0, 44.0, 44.5, 44.0, 49.0, 44.0, 44.0, 44.0]) == 0.0


def test_a_leak_is_growth() -> None:
    mib = [30.0, *(44.0 + minute for minute in range(10))]
    assert growth(mib) == 7.0
    assert any("GROWTH" in line for line in table(Soak(600.0, mib, {"JSON": 1}, 0)))
