"""A gateway worker's leases: escrow the ledger has already charged, spent from in memory.

Pure state: no clock, no I/O; `pai.gateway` carries what comes out of `pending` to the ledger and
puts its answers in. Law: what is available was granted, and is neither spent, reserved nor given
back; so the sum over all workers never passes what the ledger granted.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from pai.budget.fit import Fit
from pai.ir.ledger import Charge, Need
from pai.ir.ledger import Lease as LeaseState

_WISH_REQUESTS: Final = 4  # what is asked for at least: work while control is away, lost in a crash
_WINDOW_SECONDS: Final = 1.0  # pace is measured over this long
_LOW: Final = 4  # below this part of the last wish, more is fetched ahead
_REMEMBERED_DAYS: Final = 8  # a clock may be set back this far

Key = tuple[str, str]  # subject, day


class Lease:
    """Tokens of one subject on one day that this worker may spend. Counters only grow."""

    __slots__ = (
        "granted",
        "over",
        "pace",
        "reserved",
        "returned",
        "spent",
        "spent_before",
        "tight",
        "used_at",
        "window_at",
        "wish",
    )

    def __init__(self) -> None:
        self.granted = self.over = self.returned = self.spent = self.reserved = 0
        self.used_at = self.window_at = 0.0
        self.pace = self.spent_before = 0
        self.wish = 0
        self.tight = False

    @property
    def available(self) -> int:
        """Tokens that can be reserved now."""
        return self.granted + self.over - self.returned - self.spent - self.reserved

    def expect(self, tokens: int, now: float) -> None:
        """Set the wish: what is under way, and a few seconds at the pace of the last ones.

        tokens: of the request that comes now. So a busy worker asks seldom and an idle one holds
        little.
        """
        if now - self.window_at >= _WINDOW_SECONDS:
            self.pace = self.spent - self.spent_before
            self.window_at, self.spent_before = now, self.spent
        self.used_at = now
        busy = 2 * self.reserved + 4 * self.pace
        wish = self.wish // 2  # written out, as max() costs more than all the rest
        if wish < tokens * _WISH_REQUESTS:
            wish = tokens * _WISH_REQUESTS
        self.wish = wish if wish > busy else busy


class Reservation:
    """Tokens set aside for one request, on the day they were set aside.

    low: more should be fetched ahead for the requests that follow.
    """

    __slots__ = ("fit", "keys", "low", "settled")

    def __init__(self, keys: tuple[Key, ...], fit: Fit, *, low: bool = False) -> None:
        self.keys, self.fit = keys, fit
        self.settled, self.low = False, low


class LeaseBook:
    """All leases of one worker, and the charges not yet handed to the ledger."""

    def __init__(self) -> None:
        self._leases: dict[Key, Lease] = {}
        self._pending: dict[Key, list[int]] = {}  # spent, over, returned
        self._over: dict[Key, Lease] = {}  # of days that are over; nothing of them is available
        self._forgotten = ""  # the last day of which nothing is remembered

    def room(self, subjects: Iterable[str], day: str) -> int:
        """Return how many tokens a request that needs all `subjects` could reserve now."""
        return min([self.available((subject, day)) for subject in subjects])

    def available(self, key: Key) -> int:
        """Return what can be reserved of one subject."""
        lease = self._leases.get(key)
        return 0 if lease is None else lease.available

    def reserve(self, subjects: Iterable[str], day: str, fit: Fit, now: float) -> Reservation:
        """Set tokens aside; the caller has looked at `room`."""
        held = self.try_reserve(subjects, day, fit, now)
        if held is None:
            raise ValueError("more than there is room for")
        return held

    def try_reserve(
        self, subjects: Iterable[str], day: str, fit: Fit, now: float
    ) -> Reservation | None:
        """Set tokens aside of all `subjects`, or of none when one has too few."""
        keys = tuple([(subject, day) for subject in subjects])
        tokens = fit.tokens
        leases = []
        for key in keys:
            lease = self._leases.get(key)
            if lease is None or lease.available < tokens:
                return None
            leases.append(lease)
        low = False
        for lease in leases:
            lease.reserved += tokens
            lease.expect(tokens, now)
            low = low or (not lease.tight and lease.available < lease.wish // _LOW)
        return Reservation(keys, fit, low=low)

    def settle(self, reservation: Reservation, tokens: int) -> bool:
        """Turn a reservation into `tokens` spent; the second call for one changes nothing.

        Returns whether a budget is so near its end that nothing of it may lie idle.
        """
        if reservation.settled:
            return False
        reservation.settled = True
        reserved = reservation.fit.tokens
        over = tokens - reserved if tokens > reserved else 0
        tight = False
        for key in reservation.keys:
            lease = self._leases[key]
            lease.reserved -= reserved
            lease.spent += tokens
            lease.over += over
            tight = tight or lease.tight
            self._note(key, tokens, over, 0)
        return tight

    def is_low(self, key: Key) -> bool:
        """Say whether more should be fetched ahead; never near the limit."""
        lease = self._leases.get(key)
        if lease is None or lease.tight:
            return False
        return lease.available < lease.wish // _LOW

    def is_tight(self, key: Key) -> bool:
        """Say whether the budget is so near its end that nothing may lie idle."""
        lease = self._leases.get(key)
        return lease is not None and lease.tight

    def need(self, subject: str, day: str, tokens: int, waited_for: int = 0) -> Need:
        """Return what to ask the ledger for, so that `tokens` become available.

        waited_for: tokens that all who wait could use; they are wished for.
        """
        key = (subject, day)
        lease = self._leases.get(key)
        available = 0 if lease is None else lease.available
        known = self.known(key)
        short = max(0, tokens - available)
        wished = tokens * _WISH_REQUESTS if lease is None else lease.wish
        wished = max(wished, waited_for)
        return Need(subject, known, short, max(short, wished - available))

    def known(self, key: Key) -> int:
        """Return what the ledger granted of one subject, as far as this worker has heard."""
        lease = self._leases.get(key) or self._over.get(key)
        return 0 if lease is None else lease.granted

    def accept(self, states: Iterable[LeaseState]) -> None:
        """Take in the ledger's answer. An older answer than the last changes nothing.

        Nor does one about a day that was forgotten: what was granted then is spent or returned,
        and this would be taken for a new lease. A day that is over comes back with a new grant.
        """
        for state in states:
            key = (state.subject, state.day)
            lease = self._leases.get(key) or self._come_back(key, state.granted)
            if lease is None:
                continue
            lease.granted = max(lease.granted, state.granted)
            lease.tight = state.free is not None and state.free < max(lease.wish, 1)

    def press(self, subjects: Iterable[str], day: str) -> None:
        """Mark subjects that another worker is short of."""
        for subject in subjects:
            lease = self._leases.get((subject, day))
            if lease is not None:
                lease.tight = True

    def give_back(self, key: Key) -> None:
        """Return what is available of one subject."""
        lease = self._leases.get(key)
        if lease is None or lease.available <= 0:
            return
        amount = lease.available
        lease.returned += amount
        self._note(key, 0, 0, amount)

    def give_back_idle(self, day: str, now: float, idle_seconds: float) -> None:
        """Return what nobody has asked for lately, and all of days that are over."""
        for key, lease in list(self._leases.items()):
            if key[1] != day or now - lease.used_at >= idle_seconds:
                self.give_back(key)
        self._put_away(day)

    def tight_keys(self) -> list[Key]:
        """Return the keys with idle tokens that others may be waiting for."""
        return [key for key, lease in self._leases.items() if lease.tight and lease.available > 0]

    def take_pending(self) -> tuple[Charge, ...]:
        """Return the charges since the last call; the caller delivers them exactly once."""
        pending, self._pending = self._pending, {}
        return tuple(Charge(*key, *amounts) for key, amounts in sorted(pending.items()))

    @property
    def has_pending(self) -> bool:
        """Say whether there are charges to hand over."""
        return bool(self._pending)

    def held_keys(self) -> Sequence[Key]:
        """Return the subject and day of every lease."""
        return list(self._leases)

    def _come_back(self, key: Key, granted: int) -> Lease | None:
        """Return the lease for a grant that is new: one not seen before, or of a clock set back."""
        lease = self._over.get(key)
        if lease is None:
            if key[1] <= self._forgotten:
                return None
            lease = Lease()
        elif granted <= lease.granted:
            return None
        else:
            del self._over[key]
        self._leases[key] = lease
        return lease

    def _put_away(self, day: str) -> None:
        """Put away the leases of days that are over, but those of the last, and forget old ones."""
        over = sorted({key[1] for key in self._leases if key[1] < day})[:-1]
        for key, lease in list(self._leases.items()):
            if key[1] in over and not lease.reserved and key not in self._pending:
                self._over[key] = self._leases.pop(key)
        old = sorted({key[1] for key in self._over})[:-_REMEMBERED_DAYS] if over else []
        for key in [key for key in self._over if key[1] in old]:
            del self._over[key]
        if old:
            self._forgotten = max(self._forgotten, old[-1])

    def _note(self, key: Key, spent: int, over: int, returned: int) -> None:
        sums = self._pending.get(key)
        if sums is None:
            self._pending[key] = [spent, over, returned]
        else:
            sums[0] += spent
            sums[1] += over
            sums[2] += returned
