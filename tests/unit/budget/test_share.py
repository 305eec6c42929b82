from hypothesis import given
from hypothesis import strategies as st

from pai.budget.share import lease_share


@given(st.integers(0, 10**6), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_share_meets_the_need_and_never_passes_what_is_free(
    need: int, more: int, slack: int
) -> None:
    free = need + slack
    share = lease_share(need, need + more, free)
    assert need <= share <= free
    assert share <= max(need, free // 8)


def test_without_a_limit_the_wish_is_granted() -> None:
    assert lease_share(5, 80, None) == 80
    assert lease_share(5, 0, None) == 5
