"""The border of the ledger: what control needs of whatever database holds it."""

from collections.abc import Callable
from typing import Protocol

from pai.ir.ledger import LeaseAnswer, LeaseCall, SettleAnswer, SettleCall, Usage
from pai.ledger.balance import Balance

LimitOf = Callable[[str], int | None]
"""Daily limit of a subject, None = unlimited; raises LookupError when there is no such subject."""


class Ledger(Protocol):
    """Every answer is durable before it is given. now: seconds since 1970, decides the day.

    Raises TransientError when the database is out of reach or full; nothing is changed then.
    """

    def grant(self, call: LeaseCall, limit_of: LimitOf, now: float) -> LeaseAnswer:
        """Charge and grant leases; the sum charged never passes a limit."""
        ...

    def settle(self, call: SettleCall, now: float) -> SettleAnswer:
        """Apply one batch exactly once. Raises SpecError for a batch that can't be true."""
        ...

    def balance(self, subject: str, now: float) -> Balance:
        """Return the subject's present day."""
        ...

    def balances(self, now: float) -> dict[str, Balance]:
        """Return the present day of every subject that has one."""
        ...

    def usage(
        self, *, agent: str | None = None, model: str | None = None, since: str | None = None
    ) -> list[Usage]:
        """Return usage per agent, model and day, sorted; since: first day, inclusive."""
        ...

    def close(self) -> None:
        """Release the database."""
        ...
