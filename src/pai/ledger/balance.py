"""What a subject's day looks like."""

import msgspec


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one subject on one day; charged = spent + reserved + unaccounted.

    spent: settled. reserved: held by live workers, may come back. unaccounted: held by workers that
    ended without settling; it was perhaps spent, so it stays charged.
    """

    subject: str
    day: str
    spent: int = 0
    reserved: int = 0
    unaccounted: int = 0

    @property
    def charged(self) -> int:
        """What counts against the limit."""
        return self.spent + self.reserved + self.unaccounted

    @property
    def used(self) -> int:
        """What is gone for this day: spent, or lost with a worker."""
        return self.spent + self.unaccounted
