"""How big a lease is: a share of what remains, shrinking to exact need near the limit."""

from typing import Final

_SHARE: Final = 8


def lease_share(need: int, wish: int, free: int | None) -> int:
    """Return the tokens to grant: at least `need`, at most `wish`, else an eighth of `free`.

    free None: no limit. The caller has checked that `need` fits.
    """
    if free is None:
        return max(need, wish)
    return max(need, min(wish, free // _SHARE))
