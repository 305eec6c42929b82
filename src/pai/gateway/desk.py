"""The worker's desk at the ledger: hands out reservations, keeps leases topped up, settles.

Requests are served from leases in memory. One background task talks to control: first what was
spent, then what is wanted; so one call is under way at a time and answers are never out of order.
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Final

import msgspec

from pai.budget.account import Account
from pai.budget.book import Reservation
from pai.budget.day import seconds_to_midnight, utc_day
from pai.budget.fit import Ask
from pai.budget.line import Refusal, Waiter
from pai.errors import TransientError
from pai.gateway.count_limits import CountLimits
from pai.gateway.spans import Spans
from pai.gateway.telemetry import Telemetry
from pai.ir.ledger import LeaseAnswer, LeaseCall, SettleAnswer
from pai.wire import log
from pai.wire.errors import ClientGone, PayloadTooLarge
from pai.wire.exchange import Exchange
from pai.wire.feed import ControlError, ControlLink

_SETTLE_SECONDS: Final = 1.0
_AHEAD_SECONDS: Final = 0.1
_IDLE_SECONDS: Final = 15.0
_CALL_SECONDS: Final = 2.0  # so that one call that hangs is not yet an outage for those who wait
_POLL_SECONDS, _SLOWEST_POLL_SECONDS = 0.15, 0.6
_RETRY_SECONDS: Final = 0.2

_leases: Final = msgspec.json.Decoder(LeaseAnswer)
_settled: Final = msgspec.json.Decoder(SettleAnswer)
_Unreachable = (TransientError, PayloadTooLarge, OSError, TimeoutError, msgspec.DecodeError)


class Turned(Exception):  # noqa: N818
    """A request got no reservation. subject: whose budget it lacks, may be empty.

    counted: tokens of its input by the vendor's count; None = the vendor did not count.
    """

    def __init__(self, refusal: Refusal, subject: str) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.subject = subject
        self.counted: int | None = None


class Desk:
    """Budgets of one worker. wait_seconds: longest wait for running requests to settle.

    telemetry, spans: told of each call that is settled. counts: limits of asking vendors to count
    input. clock: this machine's, in seconds since
    1970; it counts until the ledger's is known.
    """

    def __init__(
        self, link: ControlLink, worker: str, clock: Callable[[], float] = time.time
    ) -> None:
        self.account = Account(worker)
        self.telemetry = Telemetry()
        self.spans = Spans(worker)
        self.counts = CountLimits()
        self.wait_seconds = 30.0
        self._link = link
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._futures: dict[Waiter, asyncio.Future[Reservation]] = {}
        self._ledger_time: tuple[float, float] | None = None
        self._settled_at = self._asked_at = self._heard_at = self._loop.time()
        self._poll_seconds = _POLL_SECONDS
        self.failures = 0

    # What requests call

    def now(self) -> float:
        """Return the ledger's time in seconds since 1970; this machine's until it is known."""
        if self._ledger_time is None:
            return self._clock()
        at, heard = self._ledger_time
        return at + self._loop.time() - heard

    def seconds_to_midnight(self) -> int:
        """Return whole seconds until budgets start anew."""
        return seconds_to_midnight(self.now())

    def try_reserve(self, subjects: tuple[str, str], ask: Ask) -> Reservation | None:
        """Set tokens aside if they are at hand and nobody waits; the usual case."""
        day = utc_day(self.now())
        held = self.account.line.try_at_once(subjects, ask, day, self._loop.time())
        if held is not None and held.low:
            self._wake.set()
        return held

    async def reserve(
        self,
        subjects: tuple[str, str],
        ask: Ask,
        exchange: Exchange,
        *,
        arrived: float | None = None,
        countable: bool = False,
    ) -> Reservation:
        """Set tokens aside, waiting in line where it must. Raises Turned, ClientGone.

        arrived: time of the loop when it first came, if it comes again. countable: see `Waiter`.
        """
        held = self.try_reserve(subjects, ask)
        if held is not None:
            return held
        since = self._loop.time() if arrived is None else arrived
        waiter = Waiter(subjects, ask, since, since + self.wait_seconds, countable=countable)
        future: asyncio.Future[Reservation] = self._loop.create_future()
        self._futures[waiter] = future
        self.account.line.join(waiter)
        self._admit()  # where only others have to wait
        self._wake.set()
        exchange.on_client_gone(lambda: self._turn(waiter, ClientGone()))
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.account.book.settle(future.result(), 0)
            self.account.line.leave(waiter)
            raise
        finally:
            self._futures.pop(waiter, None)

    def settle(self, reservation: Reservation, tokens: int) -> None:
        """Turn a reservation into what was spent; the second call for one changes nothing."""
        tight = self.account.book.settle(reservation, tokens)
        waiting = len(self.account.line) > 0
        if waiting:
            self._admit()
        if tight or waiting:
            self._wake.set()

    def press(self, subjects: list[str]) -> None:
        """Give back what is held of subjects whose limit has changed."""
        self.account.book.press(subjects, utc_day(self.now()))
        self._wake.set()

    # The background task

    async def run(self) -> None:
        """Talk to the ledger until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._step()
            except _Unreachable as error:
                self._note_failure(error)
                self._expire()
                await asyncio.sleep(0.1 + random.random() * 0.2)
            else:
                self.failures = 0
                self._expire()
                await self._pause()

    async def close(self, seconds: float) -> None:
        """Give everything back and settle the last batches; gives up after `seconds`."""
        self.account.doubt()
        end, closed = self._loop.time() + seconds, False
        while not closed:
            try:
                async with asyncio.timeout_at(end):
                    await self._hand_over()
                closed = True
            except _Unreachable as error:
                if self._loop.time() + _RETRY_SECONDS >= end:
                    reason = str(error) or type(error).__name__
                    log.warning("leases were not given back; they stay charged", reason=reason)
                    return
                await asyncio.sleep(_RETRY_SECONDS)

    async def _hand_over(self) -> None:
        """Tell all there is to tell; what is held after that belongs to requests still running."""
        while (call := self.account.recall()) is not None:
            await self._ask(call)
        for key in self.account.book.held_keys():
            self.account.book.give_back(key)
        while self.account.has_news:
            await self._settle()
        await self._settle(closing=True)

    async def _step(self) -> None:
        now = self._loop.time()
        book, day = self.account.book, utc_day(self.now())
        self._admit()
        due = now - self._settled_at >= _SETTLE_SECONDS
        if due:
            book.give_back_idle(day, now, _IDLE_SECONDS)
        tight = book.tight_keys()
        for key in tight:
            book.give_back(key)
        waiting = len(self.account.line) > 0
        if due or ((tight or waiting) and self.account.has_news):
            await self._settle()
        if waiting or now - self._asked_at >= _AHEAD_SECONDS:
            call = self.account.lease_call(utc_day(self.now()))
            if call is not None:
                await self._ask(call)

    async def _ask(self, call: LeaseCall) -> None:
        self._asked_at = self._loop.time()
        async with asyncio.timeout(_CALL_SECONDS):
            answer = _leases.decode(await self._link.post("leases", msgspec.json.encode(call)))
        self._learn_time(answer.now)
        away = self.account.take_leases(answer, utc_day(self.now()))
        self._admit()
        self._send_away(away)

    async def _settle(self, *, closing: bool = False) -> None:
        batch = self.account.batch(closing=closing)
        body = msgspec.json.encode(batch)
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                answer = _settled.decode(await self._link.post("settlements", body))
        except ControlError as error:
            if error.status != 400:
                raise
            log.error("the ledger refuses a batch; what it held stays charged")
            answer = SettleAnswer(self.now(), batch.sequence)
        self._settled_at = self._loop.time()
        self._learn_time(answer.now)
        self.account.acknowledge(answer, utc_day(answer.now))

    async def _pause(self) -> None:
        """Sleep until there is something to do."""
        waiting = len(self.account.line) > 0
        seconds = self._next_poll_seconds() if waiting else _SETTLE_SECONDS
        if waiting and not self._wake.is_set():
            deadline = self.account.line.next_deadline() or 0.0
            seconds = max(0.0, min(seconds, deadline - self._loop.time()))
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _next_poll_seconds(self) -> float:
        """Return how long to wait before asking again; longer while nobody gets anything."""
        seconds = self._poll_seconds * (0.5 + random.random())
        self._poll_seconds = min(2 * self._poll_seconds, _SLOWEST_POLL_SECONDS)
        return seconds

    def _admit(self) -> None:
        admitted = self.account.line.admit(utc_day(self.now()), self._loop.time())
        if admitted:
            self._poll_seconds = _POLL_SECONDS
        for waiter, reservation in admitted:
            future = self._futures.get(waiter)
            if future is None or future.done():
                self.account.book.settle(reservation, 0)
            else:
                future.set_result(reservation)

    def _send_away(self, away: list[tuple[Waiter, Refusal]]) -> None:
        for waiter, refusal in away:
            self._turn(waiter, Turned(refusal, waiter.short_of))

    def _turn(self, waiter: Waiter, error: Exception) -> None:
        self.account.line.leave(waiter)
        future = self._futures.get(waiter)
        if future is not None and not future.done():
            future.set_exception(error)

    def _learn_time(self, ledger_now: float) -> None:
        self._heard_at = self._loop.time()
        self._ledger_time = (ledger_now, self._heard_at)

    def _expire(self) -> None:
        since = self._heard_at if self.failures else None
        self._send_away(self.account.line.expire(self._loop.time(), outage_since=since))

    def _note_failure(self, error: Exception) -> None:
        self.failures += 1
        if self.failures == 1 or self.failures % 50 == 0:
            log.warning("the ledger is out of reach", reason=str(error) or type(error).__name__)
