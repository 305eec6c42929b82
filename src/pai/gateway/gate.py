"""Limits how many requests are under way at once; the others wait in line, a while."""

import asyncio
from collections import deque

from pai.wire.errors import ClientGone
from pai.wire.exchange import Exchange


class Gate:
    """A limit that may change, by `set_limit`. None = any number. Who enters must leave."""

    __slots__ = ("_line", "_running", "limit")

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._running = 0
        self._line: deque[asyncio.Future[None]] = deque()

    def set_limit(self, limit: int | None) -> None:
        """Change the limit; a lower one is reached as requests end."""
        self.limit = limit
        self._admit()

    def try_enter(self) -> bool:
        """Enter if there is room and nobody waits; the usual case."""
        if self.limit is not None and (self._running >= self.limit or self._line):
            return False
        self._running += 1
        return True

    async def enter(self, exchange: Exchange, seconds: float) -> bool:
        """Enter, waiting in line; False when that took too long. Raises ClientGone."""
        if self.try_enter():
            return True
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._line.append(future)
        timer = loop.call_later(seconds, _turn, future, TimeoutError())
        exchange.on_client_gone(lambda: _turn(future, ClientGone()))
        try:
            await future
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.leave()
            raise
        finally:
            timer.cancel()
            if future in self._line:
                self._line.remove(future)
        return True

    def leave(self) -> None:
        """Make room."""
        self._running -= 1
        if self._line:
            self._admit()

    def _admit(self) -> None:
        while self._line and (self.limit is None or self._running < self.limit):
            future = self._line.popleft()
            if not future.done():
                self._running += 1
                future.set_result(None)


def _turn(future: "asyncio.Future[None]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
