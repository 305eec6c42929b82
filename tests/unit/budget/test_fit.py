from hypothesis import given
from hypothesis import strategies as st

from pai.budget.fit import Ask, Fit, fit

asks = st.builds(
    lambda low, more, cap, answers, capped: Ask((low + more, low), cap, answers, capped),
    st.integers(1, 10_000),
    st.integers(0, 10_000),
    st.integers(1, 5_000),
    st.integers(1, 8),
    st.booleans(),
)


@given(st.integers(-100, 60_000), asks)
def test_a_fit_never_passes_the_room_nor_the_cap(room: int, ask: Ask) -> None:
    found = fit(room, ask, ask.useful)
    if found is None:
        assert room < ask.least(ask.useful)
    else:
        assert found.tokens <= room
        assert ask.useful <= found.cap <= ask.cap
        assert found.input in ask.inputs


@given(asks)
def test_without_a_limit_the_safest_bound_and_the_whole_cap_are_taken(ask: Ask) -> None:
    assert fit(None, ask, ask.useful) == ask.full


def test_the_estimate_is_used_before_the_answer_is_cut() -> None:
    ask = Ask((1000, 500), 200, 1, capped=True)
    assert fit(1200, ask, 200) == Fit(1000, 200, 1)
    assert fit(1199, ask, 200) == Fit(500, 200, 1)
    assert fit(699, ask, 200) is None
    assert fit(699, ask, 100) == Fit(500, 199, 1)


def test_only_a_client_that_set_a_cap_insists_on_it() -> None:
    assert Ask((10,), 4096, 1, capped=True).patient == 4096
    assert Ask((10,), 4096, 1, capped=False).patient == 1024
    assert Ask((10,), 5, 1, capped=True).useful == 5
