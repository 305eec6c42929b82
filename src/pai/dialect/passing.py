"""Meter server-sent events that all pass on at once, byte for byte."""

from pai.budget.price import Tokens
from pai.dialect.sse import PassingEvents


class PassingMeter:
    """See `pai.dialect.sides.Meter`. most_bytes: a longer event counts by its bytes, unread."""

    __slots__ = ("_events", "complete", "text_bytes", "tokens")

    def __init__(self, most_bytes: int) -> None:
        self._events = PassingEvents(most_bytes)
        self.tokens: Tokens | None = None
        self.text_bytes = 0
        self.complete = False

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return them."""
        for data in self._events.feed(chunk):
            self._look(data)
        self.text_bytes += self._events.take_unread()
        return chunk

    def finish(self) -> bytes:
        """Return what was held back, which is nothing; the stream is at its end."""
        for data in self._events.finish():
            self._look(data)
        self.text_bytes += self._events.take_unread()
        return b""

    def _look(self, data: bytes) -> None:
        """Read the data of one event."""
        raise NotImplementedError
