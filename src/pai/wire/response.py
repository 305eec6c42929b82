"""The response of an upstream, as handlers hold it while its body comes."""

import asyncio
from typing import TYPE_CHECKING, Protocol

from pai.wire.errors import ClientGone, PayloadTooLarge, UpstreamError
from pai.wire.message import Outcome, ResponseHead

if TYPE_CHECKING:
    from pai.wire.upstream import UpstreamConnection


class ResponseSink(Protocol):
    """Where a response body goes while it comes."""

    def on_data(self, data: bytes, ended: bool) -> None:
        """Body bytes, possibly none; ended: the body is complete."""

    def on_error(self, outcome: Outcome) -> None:
        """The response ends here without being complete."""


class UpstreamResponse:
    """A response whose head is here and whose body may still come.

    Must be read, relayed, tunnelled or aborted; what comes before that waits, bounded.
    """

    __slots__ = ("_connection", "_early", "_early_bytes", "ended", "error", "head", "sink")

    def __init__(self, connection: "UpstreamConnection", head: ResponseHead) -> None:
        self._connection = connection
        self._early: list[bytes] = []
        self._early_bytes = 0
        self.sink: ResponseSink | None = None
        self.head = head
        self.ended = False
        self.error: Outcome | None = None

    async def read(self, limit: int) -> bytes:
        """Return the whole body.

        Raises PayloadTooLarge (and aborts) beyond `limit` bytes, UpstreamError when it is cut.
        """
        whole = self.whole(limit)
        if whole is not None:
            return whole
        sink = _Collector(self, limit)
        try:
            return await sink.future
        finally:
            self.leave()

    def whole(self, limit: int) -> bytes | None:
        """Return the body if it came with its head, as most do; None: `read` waits for it."""
        if self.ended and self._early_bytes <= limit and self.sink is None:
            early, self._early = self._early, []
            return early[0] if len(early) == 1 else b"".join(early)
        return None

    def abort(self) -> None:
        """Give the response up: its connection is closed unless the body is complete."""
        if not self.ended and self.error is None:
            self.error = Outcome.UPSTREAM_BROKEN
            self._connection.abort()

    def attach(self, sink: ResponseSink) -> tuple[bytes, bool]:
        """Send what follows to `sink`; return what came so far and whether that was all."""
        self.sink = sink
        early = self._early
        data = early[0] if len(early) == 1 else b"".join(early)
        self._early = []
        if self._early_bytes > self._connection.limits.buffer_bytes:
            self.resume()
        return data, self.ended

    def leave(self) -> None:
        """Forget the sink, which knows this response: it has all that it will get."""
        self.sink = None

    def pause(self) -> None:
        """Stop reading from the upstream: whoever takes the bytes is slow."""
        if not self.ended:
            self._connection.pause()

    def resume(self) -> None:
        """Read on."""
        if not self.ended:
            self._connection.resume()

    @property
    def connection(self) -> "UpstreamConnection":
        """The connection it comes over."""
        return self._connection

    def feed(self, data: bytes, ended: bool) -> None:
        """Take body bytes from the connection."""
        self.ended = ended
        if self.sink is not None:
            self.sink.on_data(data, ended)
        elif data:
            self._early.append(data)
            self._early_bytes += len(data)
            if self._early_bytes > self._connection.limits.buffer_bytes and not ended:
                self._connection.pause()

    def fail(self, outcome: Outcome) -> None:
        """Note that the rest will not come."""
        if self.ended or self.error is not None:
            return
        self.error = outcome
        if self.sink is not None:
            self.sink.on_error(outcome)


class _Collector:
    """Joins a body that must be read as a whole."""

    __slots__ = ("_limit", "_parts", "_response", "_size", "future")

    def __init__(self, response: UpstreamResponse, limit: int) -> None:
        self._response = response
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self.future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        data, ended = response.attach(self)
        self.on_data(data, ended)
        if response.error is not None:
            self.on_error(response.error)

    def on_data(self, data: bytes, ended: bool) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self.future.done():
            return
        if self._size > self._limit:
            self.future.set_exception(PayloadTooLarge(self._limit))
            self._response.abort()
        elif ended:
            self.future.set_result(b"".join(self._parts))

    def on_error(self, outcome: Outcome) -> None:
        if not self.future.done():
            self.future.set_exception(_cut(outcome))


def _cut(outcome: Outcome) -> UpstreamError | ClientGone:
    if outcome is Outcome.CLIENT_GONE:
        return ClientGone()
    if outcome is Outcome.TIMED_OUT:
        return UpstreamError("timeout", "the upstream stopped sending")
    return UpstreamError("connect", "the upstream broke off within its response")
