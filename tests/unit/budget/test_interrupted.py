from hypothesis import given
from hypothesis import strategies as st

from pai.budget.fit import Fit
from pai.budget.interrupted import Seen, interrupted, unmetered
from pai.budget.price import Tokens


@given(
    st.builds(Fit, st.integers(0, 1000), st.integers(1, 1000), st.integers(1, 4)),
    st.integers(0, 10_000),
    st.floats(0, 100),
)
def test_the_charge_covers_what_was_seen_and_stays_within_the_reservation(
    reserved: Fit, text: int, silent: float
) -> None:
    charged = interrupted(reserved, Seen(text, silent))
    assert charged.input == reserved.input
    assert charged.total <= reserved.tokens == unmetered(reserved).total
    assert charged.output >= min(text, reserved.cap * reserved.answers)


def test_the_vendors_own_figures_count_as_far_as_it_gave_any() -> None:
    reserved = Fit(1_000, 5_000, 1)
    begun = Tokens(240, 1, cached=200)
    assert interrupted(reserved, Seen(50, 0.0), begun) == Tokens(240, 306, cached=200)
    assert interrupted(reserved, Seen(0, 0.0), Tokens(0, 9)) == Tokens(1_000, 256)
    assert interrupted(reserved, Seen(0, 0.0), Tokens(240, 6_000)).total == 6_240


def test_silence_is_paid_for() -> None:
    reserved = Fit(10, 100_000, 1)
    assert interrupted(reserved, Seen(50, 0.0)) == Tokens(10, 306)
    assert interrupted(reserved, Seen(50, 2.0)) == Tokens(10, 8_306)
