"""Requests that wait for tokens, first come first served for each subject. Pure.

A request is admitted only when nobody who came earlier is still short of one of its subjects; so a
big request is never starved by small ones, and an agent whose budget is spent holds up nobody else.
"""

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pai.budget.book import LeaseBook, Reservation
from pai.budget.fit import Ask, Fit, fit
from pai.ir.ledger import Lease, LeaseWant

_OUTAGE_SECONDS: Final = 5.0  # how long requests wait for a ledger that does not answer
_LOWER_AFTER: Final = 0.75  # part of the wait after which a shorter answer is taken


class Refusal(Enum):
    """Why a request was not admitted."""

    SPENT = "spent"  # nothing comes back before midnight
    BUSY = "busy"  # running requests hold it
    UNAVAILABLE = "unavailable"  # the ledger is out of reach
    UNCOUNTED = "uncounted"  # its bound does not fit; with its input counted it may


@dataclass(slots=True, eq=False)
class Waiter:
    """One request in the line. Times are seconds of the caller's clock.

    want: tokens to ask the ledger for next. floor: smallest cap it would take now. refused: the
    ledger has said that the whole can't be had, so less may do. countable: its last bound is only
    what a count may come to; it is served by the first alone, and where a count would help it is
    sent away to be counted. It comes back with its time of arrival.
    """

    subjects: tuple[str, ...]
    ask: Ask
    arrived: float
    deadline: float
    floor: int = 0
    want: int = 0
    refused: bool = False
    short_of: str = ""
    countable: bool = False

    def __post_init__(self) -> None:
        self.floor = self.ask.patient
        self.want = self.ask.full.tokens

    def age(self, now: float) -> None:
        """Accept a shorter answer when most of the wait is over."""
        if now >= self.arrived + (self.deadline - self.arrived) * _LOWER_AFTER:
            self.floor = self.ask.useful

    @property
    def served(self) -> Ask:
        """What it may be served by."""
        return self.ask.safe if self.countable else self.ask

    def is_helped_by_count(self, room: int) -> bool:
        """Say whether a count may help: to all it asks for, or to far more than there is without.

        It does not where the safe bound leaves half of the room for an answer, and the whole cap
        could not be had anyway or was not the client's wish.
        """
        ask = self.ask
        if not self.countable or room >= ask.full.tokens:
            return False
        return ask.inputs[0] * 2 > room or (ask.capped and ask.least(ask.cap) <= room)


class WaitLine:
    """The line of one worker."""

    def __init__(self, book: LeaseBook) -> None:
        self._book = book
        self._waiters: list[Waiter] = []

    def __len__(self) -> int:
        return len(self._waiters)

    def try_at_once(
        self, subjects: tuple[str, ...], ask: Ask, day: str, now: float
    ) -> Reservation | None:
        """Admit a request that has not waited, unless others are short of the same."""
        if self._waiters and self._is_awaited(subjects):
            return None
        # where this is not there, the ledger may have more; only it can say that less must do
        return self._book.try_reserve(subjects, day, ask.full, now)

    def join(self, waiter: Waiter) -> None:
        """Stand in line by the time of arrival: at the end, unless it was counted meanwhile."""
        insort(self._waiters, waiter, key=lambda each: each.arrived)

    def leave(self, waiter: Waiter) -> None:
        """Go away: the client hung up."""
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def admit(self, day: str, now: float) -> list[tuple[Waiter, Reservation]]:
        """Take out everybody who can be served now, in order."""
        blocked: set[str] = set()
        admitted: list[tuple[Waiter, Reservation]] = []
        for waiter in self._waiters:
            waiter.age(now)
            if not blocked.isdisjoint(waiter.subjects):
                continue
            best = self._best(waiter, day)
            if best is None:
                waiter.short_of = self._shortest(waiter, day)
                blocked.add(waiter.short_of)
            else:
                admitted.append((waiter, self._book.reserve(waiter.subjects, day, best, now)))
        gone = {id(waiter) for waiter, _ in admitted}
        self._waiters = [waiter for waiter in self._waiters if id(waiter) not in gone]
        return admitted

    def wants(self, day: str) -> list[LeaseWant]:
        """Return what to ask the ledger for, in order: the needs of the first for each subjects.

        Who waits for the same agent and the same model is asked for in turn. Who shares but one of
        them with somebody before may be served first, where that one is not what is short.
        """
        waiting: dict[tuple[str, ...], list[int]] = {}
        for waiter in self._waiters:
            waiting.setdefault(waiter.subjects, []).append(waiter.want)
        return [
            LeaseWant(
                day, tuple(self._book.need(each, day, all_[0], sum(all_)) for each in subjects)
            )
            for subjects, all_ in waiting.items()
        ]

    def judge(self, states: Iterable[Lease], day: str) -> list[tuple[Waiter, Refusal]]:
        """Draw the conclusions of the ledger's answer; return who has to be sent away."""
        by_subject = {state.subject: state for state in states if state.day == day}
        away = []
        for waiter in list(self._waiters):
            if all(subject in by_subject for subject in waiter.subjects):
                refusal = self._judge_one(waiter, by_subject, day)
                if refusal is not None:
                    away.append((waiter, refusal))
                    self._waiters.remove(waiter)
        return away

    def expire(self, now: float, *, outage_since: float | None) -> list[tuple[Waiter, Refusal]]:
        """Send away whoever has waited long enough.

        outage_since: when the ledger was found out of reach, None while it answers.
        """
        late: list[tuple[Waiter, Refusal]] = []
        rest: list[Waiter] = []
        for waiter in self._waiters:
            refusal = self._late(waiter, now, outage_since)
            if refusal is None:
                rest.append(waiter)
            else:
                late.append((waiter, refusal))
        self._waiters = rest
        return late

    def next_deadline(self) -> float | None:
        """Return when the first of those who wait has to be sent away."""
        return min((waiter.deadline for waiter in self._waiters), default=None)

    @staticmethod
    def _late(waiter: Waiter, now: float, outage_since: float | None) -> Refusal | None:
        """Say why somebody has waited long enough, if so; who heard of the ledger waits for it."""
        if outage_since is not None and now >= max(waiter.arrived, outage_since) + _OUTAGE_SECONDS:
            return Refusal.UNAVAILABLE
        if now < waiter.deadline:
            return None
        never_heard = outage_since is not None and outage_since <= waiter.arrived
        return Refusal.UNAVAILABLE if never_heard else Refusal.BUSY

    def _is_awaited(self, subjects: tuple[str, ...]) -> bool:
        """Say whether somebody waits for one of these; all that nobody has looked at yet does."""
        for waiter in self._waiters:
            if not waiter.short_of:
                if not set(subjects).isdisjoint(waiter.subjects):
                    return True
            elif waiter.short_of in subjects:
                return True
        return False

    def _best(self, waiter: Waiter, day: str) -> Fit | None:
        room = self._book.room(waiter.subjects, day)
        if waiter.refused:
            return fit(room, waiter.served, waiter.floor)
        full = waiter.ask.full
        return full if room >= full.tokens else None

    def _shortest(self, waiter: Waiter, day: str) -> str:
        return min(waiter.subjects, key=lambda subject: self._book.available((subject, day)))

    def _judge_one(self, waiter: Waiter, states: Mapping[str, Lease], day: str) -> Refusal | None:
        """Set what the waiter asks for next. None: it stays in line."""
        mine = [states[subject] for subject in waiter.subjects]
        if not all(state.known for state in mine):
            return Refusal.UNAVAILABLE
        limited = [state for state in mine if state.free is not None]
        if not limited:
            return None
        ask = waiter.ask
        tightest = min(limited, key=lambda state: (state.free or 0) + state.running)
        waiter.short_of = tightest.subject
        potential = (tightest.free or 0) + tightest.running
        if potential < ask.least(ask.useful):
            return Refusal.SPENT
        room = min(
            (state.free or 0) + self._book.available((state.subject, day)) for state in limited
        )
        if waiter.is_helped_by_count(room):
            return Refusal.UNCOUNTED
        ask = waiter.served
        if potential < ask.least(waiter.floor):
            waiter.floor = ask.useful
        waiter.refused = True
        best = fit(room, ask, waiter.floor)
        waiter.want = ask.least(waiter.floor) if best is None else best.tokens
        return None
