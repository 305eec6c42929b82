"""Answers, kept for as long as they hold: bounded, one query a question, old ones in need."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from pai.errors import TransientError
from pai.wire.dns.message import Question

CACHE_NAMES = 4096
AGAIN_SECONDS = 10.0  # until a question whose old answer serves is asked anew


class ResolveError(TransientError):
    """No usable answer was to be had."""

    reason = "ResolveFailed"


class NameRefusedError(ResolveError):
    """A name that may not be asked for; what was known of it counts no more."""

    reason = "NameRefused"


class Found(msgspec.Struct, frozen=True):
    """Addresses of one family; () = none, or no such name. ttl: seconds for which that holds."""

    addresses: tuple[str, ...]
    ttl: float


class _Entry(NamedTuple):
    """fresh_until: asked anew after that. ended: when its own time was over."""

    addresses: tuple[str, ...]
    fresh_until: float
    ended: float


Ask = Callable[[Question], Awaitable[Found]]


class Cache:
    """Keeps answers. stale_seconds: how long after its end one serves while asking fails."""

    def __init__(
        self, stale_seconds: float = 0.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._stale_seconds, self._now = stale_seconds, now
        self._entries: dict[Question, _Entry] = {}
        self._pending: dict[Question, asyncio.Future[Found]] = {}

    @property
    def pending(self) -> int:
        """How many questions are being asked."""
        return len(self._pending)

    def held(self, question: Question) -> Found | None:
        """Return the answer that is held and fresh, with the seconds it has left."""
        entry = self._entries.get(question)
        left = 0.0 if entry is None else entry.fresh_until - self._now()
        return Found(entry.addresses, left) if entry is not None and left > 0 else None

    async def find(self, question: Question, ask: Ask) -> Found:
        """Return the answer that is held, or ask.

        Raises ResolveError when asking fails and no answer is held that may still serve.
        """
        held = self.held(question)
        if held is not None:
            return held
        pending = self._pending.get(question)
        if pending is None:
            pending = asyncio.ensure_future(self._renewed(question, ask))
            self._pending[question] = pending
            pending.add_done_callback(lambda done: self._asked(question, done))
        # several callers share one query: the end of one must not end it for the others
        return await asyncio.shield(pending)

    def _asked(self, question: Question, done: asyncio.Future[Found]) -> None:
        self._pending.pop(question, None)
        if not done.cancelled():
            done.exception()  # whoever asked may have gone: nobody else would look at it

    async def _renewed(self, question: Question, ask: Ask) -> Found:
        try:
            found = await ask(question)
        except NameRefusedError:
            self._entries.pop(question, None)
            raise
        except ResolveError:
            entry, now = self._entries.get(question), self._now()
            if entry is None or not entry.addresses or now >= entry.ended + self._stale_seconds:
                raise
            found = Found(entry.addresses, AGAIN_SECONDS)
            self._keep(question, _Entry(found.addresses, now + found.ttl, entry.ended))
            return found
        end = self._now() + found.ttl
        self._keep(question, _Entry(found.addresses, end, end))
        return found

    def _keep(self, question: Question, entry: _Entry) -> None:
        self._entries.pop(question, None)
        if len(self._entries) >= CACHE_NAMES:  # dicts keep order: the oldest goes
            del self._entries[next(iter(self._entries))]
        self._entries[question] = entry
