"""One gateway worker's dealings with the ledger: what to send next, what an answer means. Pure.

Law: a batch that was not acknowledged is sent again unchanged before anything newer; so nothing is
lost and nothing counts twice. A worker that dies between two batches loses nothing either: what it
had not settled is still charged as its lease. A call for leases without an answer may have been
granted: it is asked about until somebody answers, so that no tokens lie where nobody knows of them.
"""

from typing import Final

from pai.budget.book import Key, LeaseBook
from pai.budget.line import Refusal, Waiter, WaitLine
from pai.ir.ledger import (
    LeaseAnswer,
    LeaseCall,
    LeaseWant,
    Need,
    SettleAnswer,
    SettleCall,
    Usage,
)

_MOST_WANTS: Final = 64  # of one call; the rest asks with the next
SUMS: Final = tuple(
    field for field in Usage.__struct_fields__ if field not in ("agent", "model", "day")
)
"""Names of what a usage counts, in the order that `add_usage` takes."""


class Account:
    """Leases, line and unsent batches of one worker. worker: a name that no other ever had."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self.book = LeaseBook()
        self.line = WaitLine(self.book)
        self._sequence = 0
        self._unacknowledged: SettleCall | None = None
        self._usages: dict[tuple[str, str, str], list[int]] = {}
        self._unanswered: dict[Key, None] = {}  # what calls asked for and nobody answered

    def add_usage(self, agent: str, model: str, day: str, sums: tuple[int, ...]) -> None:
        """Note what a request used, for the next batch; sums: the counts in `Usage`, in order."""
        key = (agent, model, day)
        totals = self._usages.get(key)
        if totals is None:
            self._usages[key] = list(sums)
            return
        for place, count in enumerate(sums):
            if count:
                totals[place] += count

    def lease_call(self, day: str) -> LeaseCall | None:
        """Return what to ask for: for those in line first, else ahead of need; None = nothing."""
        wants = self.line.wants(day)[:_MOST_WANTS]
        asked = {(need.subject, day) for want in wants for need in want.needs}
        low = [key for key in self.book.held_keys() if key[1] == day and self.book.is_low(key)]
        wants += [
            LeaseWant(day, (self.book.need(key[0], day, 0),)) for key in low if key not in asked
        ]
        return self._call([*wants, *self._recalls(asked.union(low))])

    def recall(self) -> LeaseCall | None:
        """Return a call that asks for nothing but what lost answers had granted; None = nothing."""
        return self._call(self._recalls(set()))

    def doubt(self) -> None:
        """Have every lease asked about: a call that was given up may have been answered since."""
        self._unanswered.update((key, None) for key in self.book.held_keys())

    def take_leases(self, answer: LeaseAnswer, day: str) -> list[tuple[Waiter, Refusal]]:
        """Take in the ledger's answer; return who has to be sent away."""
        for state in answer.leases:
            self._unanswered.pop((state.subject, state.day), None)
        self.book.accept(answer.leases)
        return self.line.judge(answer.leases, day)

    def _recalls(self, asked: set[Key]) -> list[LeaseWant]:
        """Return wants of nothing: the answer says what was granted, so it can be given back."""
        return [
            LeaseWant(day, (Need(subject, self.book.known((subject, day)), 0, 0),))
            for subject, day in self._unanswered
            if (subject, day) not in asked
        ]

    def _call(self, wants: list[LeaseWant]) -> LeaseCall | None:
        wants = wants[:_MOST_WANTS]
        self._unanswered.update(
            ((need.subject, want.day), None) for want in wants for need in want.needs
        )
        return LeaseCall(self.worker, tuple(wants)) if wants else None

    @property
    def has_news(self) -> bool:
        """Say whether the next batch has content."""
        return bool(self._unacknowledged or self._usages or self.book.has_pending)

    def batch(self, *, closing: bool = False) -> SettleCall:
        """Return what to send: the last batch until it is acknowledged, then what came since.

        With nothing to tell it has sequence 0 and is a sign of life.
        """
        if self._unacknowledged is None and (self._usages or self.book.has_pending):
            self._sequence += 1
            usages = tuple(
                Usage(agent=agent, model=model, day=day, **dict(zip(SUMS, sums, strict=True)))
                for (agent, model, day), sums in self._usages.items()
            )
            self._usages = {}
            charges = self.book.take_pending()
            self._unacknowledged = SettleCall(self.worker, self._sequence, charges, usages)
        return self._unacknowledged or SettleCall(self.worker, 0, closing=closing)

    def acknowledge(self, answer: SettleAnswer, day: str) -> None:
        """Take in the ledger's answer: the batch is on disk."""
        if self._unacknowledged and answer.sequence == self._unacknowledged.sequence:
            self._unacknowledged = None
        self.book.press(answer.wanted, day)
