"""One connection to an upstream: requests out, answers in, one at a time."""

import asyncio
from typing import TYPE_CHECKING, cast

from pai.wire.deadlines import NEVER
from pai.wire.errors import Malformed, UpstreamError
from pai.wire.framing import ResponseReader
from pai.wire.message import Outcome, ResponseHead
from pai.wire.response import UpstreamResponse
from pai.wire.serialize import LAST_CHUNK, chunk

if TYPE_CHECKING:
    from pai.wire.client import ClientPool
    from pai.wire.endpoint import Endpoint
    from pai.wire.exchange import Exchange


class StaleConnection(UpstreamError):  # noqa: N818
    """A reused connection ended before a byte of the answer came."""

    def __init__(self) -> None:
        super().__init__("connect", "the upstream closed the connection")


class UpstreamConnection(asyncio.Protocol):
    """An HTTP/1.1 client connection; one exchange at a time."""

    __slots__ = (
        "_bytes_seen",
        "_head",
        "_pool",
        "_reader",
        "_total",
        "_uploading",
        "_waiter",
        "chunked_upload",
        "closed",
        "deadline",
        "endpoint",
        "exchange",
        "idle",
        "limits",
        "loop",
        "response",
        "transport",
        "used",
    )

    def __init__(self, pool: "ClientPool", endpoint: "Endpoint") -> None:
        self._pool = pool
        self.loop = asyncio.get_running_loop()
        self.endpoint = endpoint
        self.limits = pool.limits
        self._reader = ResponseReader(
            self, max_head=pool.limits.head_bytes, max_fields=pool.limits.head_fields
        )
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._waiter: asyncio.Future[UpstreamResponse] | None = None
        self.response: UpstreamResponse | None = None
        self.exchange: Exchange | None = None
        self._head = b""
        self._uploading = False
        self.chunked_upload = False
        self._bytes_seen = False
        self._total = NEVER
        self.deadline = NEVER
        self.idle = False
        self.used = False
        self.closed = False

    # What the pool calls

    def start(
        self,
        block: bytes,
        method: bytes,
        body: "bytes | Exchange | None",
        owner: "Exchange | None",
        upgrade: bool,
    ) -> "asyncio.Future[UpstreamResponse]":
        """Send one request; the future gets its response, UpstreamError or ClientGone.

        block: the serialised head.
        """
        self._reader.expect(method, upgrade=upgrade)
        self._bytes_seen = False
        self.response = None
        now = self.loop.time()
        self._total = now + self.limits.total_seconds
        self.deadline = min(now + self.limits.first_byte_seconds, self._total)
        waiter: asyncio.Future[UpstreamResponse] = self.loop.create_future()
        self._waiter = waiter
        if owner is not None:
            self.exchange = owner
            owner.bind(self)
        if body is None:
            self.transport.write(block)
        elif isinstance(body, bytes):
            self.transport.write(block + body)
        else:
            self._head = block  # leaves with what is here of the body
            self.chunked_upload = body.head.content_length is None
            self._uploading = True
            body.stream_to(self)
            if self._head and not self.closed:
                block, self._head = self._head, b""
                self.transport.write(block)
        return waiter

    def cancel(self, waiter: "asyncio.Future[UpstreamResponse]") -> None:
        """Stop a request whose sender no longer waits for it."""
        if self._waiter is waiter:
            self.abort()
        elif not waiter.cancelled() and waiter.exception() is None:
            waiter.result().abort()  # the answer came, and another request may be on the way

    def abort(self) -> None:
        """Close at once, whatever is going on."""
        self._close(abort=True)

    def close(self) -> None:
        """Close an idle connection."""
        self._close(abort=False)

    # What the exchange calls while it streams its body up

    def upload(self, data: bytes, ended: bool) -> None:
        """Send on body bytes of the client."""
        if self.closed or not self._uploading:
            return
        if data and self.chunked_upload:
            data = chunk(data)
        if ended:
            self._uploading = False
            if self.chunked_upload:
                data += LAST_CHUNK
        if self._head:
            data, self._head = self._head + data, b""
        if data:
            self.transport.write(data)
        if self.response is None:
            limit = self.loop.time() + self.limits.first_byte_seconds
            self.deadline = min(limit, self._total)

    def client_gone(self, error: Exception) -> None:
        """The exchange this works for has lost its client: nothing is worth finishing."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        if self.response is not None:
            self.response.fail(Outcome.CLIENT_GONE)
        self.abort()

    def pause(self) -> None:
        """Stop reading; time does not count against the upstream meanwhile."""
        if not self.closed:
            self.transport.pause_reading()
            self.deadline = self._total

    def resume(self) -> None:
        """Read on."""
        if not self.closed:
            self.transport.resume_reading()
            self.deadline = min(self.loop.time() + self.limits.idle_seconds, self._total)

    def detach(self) -> bytes:
        """Leave the transport to a tunnel; return what came after the 101."""
        self.closed = True
        self._release_exchange()
        self._pool.forget(self)
        self._reader.leave()
        self.response = None
        return self._reader.take_rest()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self.idle or self.closed:
            self.abort()  # an answer to nothing: whatever it is, it must not meet a request
            return
        self._bytes_seen = True
        paused = self.deadline == self._total
        try:
            self._reader.feed(data)
        except Malformed as error:
            self._fail(UpstreamError("protocol", f"{self.endpoint.host}: {error.message}"))
        self._after_feed(paused)

    def _after_feed(self, paused: bool) -> None:
        if self.idle:
            if self._reader.held:
                self.abort()  # bytes after the answer must not meet a request either
        elif not paused and not self.closed and self.deadline != self._total:
            limit = self.loop.time() + self.limits.idle_seconds
            self.deadline = limit if limit < self._total else self._total

    def eof_received(self) -> bool:
        """The upstream sends no more: the end of a body only where that is how it ends."""
        if not self.closed and not self.idle:
            try:
                self._reader.eof()
            except Malformed:
                self._broken()
        if not self.closed and not self.idle:
            self._broken()  # it ended before its answer began
        self._close(abort=False)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        if not self.closed and not self.idle:
            self._broken()
        self._close(abort=True)
        self._reader.leave()
        self.response = None  # each knows the other

    def pause_writing(self) -> None:
        """Stop the client's upload: the upstream reads too slowly."""
        if self._uploading and self.exchange is not None:
            self.exchange.pause_body()

    def resume_writing(self) -> None:
        """Let the client's upload go on."""
        if self._uploading and self.exchange is not None:
            self.exchange.resume_body()

    # ResponseReader's sink

    def on_head(self, head: ResponseHead) -> None:
        """Hand the response to whoever sent the request."""
        response = self.response = UpstreamResponse(self, head)
        if self.deadline == self._total:
            self.deadline = min(self.loop.time() + self.limits.idle_seconds, self._total)
        # the answer may be complete, and the connection serve another, before the task wakes
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(response)

    def on_data(self, data: bytes, ended: bool) -> None:
        """Pass body bytes on; at the end the connection may serve again."""
        response = self.response
        if response is None:
            return
        if ended and response.head.status != 101:
            response.ended = True
            self._finish(response)
        sink = response.sink
        if sink is not None and not ended:  # most of a stream: straight to who takes it
            sink.on_data(data, False)
        else:
            response.feed(data, ended)

    # Timed

    def on_deadline(self, now: float) -> None:
        """The upstream was too slow, or an idle connection is old enough."""
        if self.idle:
            self.close()
        else:
            self._fail(UpstreamError("timeout", f"{self.endpoint.host}: {self._late(now)}"))

    def _late(self, now: float) -> str:
        if now >= self._total:
            return f"the response took more than {self.limits.total_seconds:g} s"
        if self.response is None:
            return f"no response within {self.limits.first_byte_seconds:g} s"
        return f"silent for {self.limits.idle_seconds:g} s within its response"

    # Inside

    def _finish(self, response: UpstreamResponse) -> None:
        reusable = response.head.keep_alive and not self._uploading and not self.closed
        self._release_exchange()
        if reusable:
            self.idle = self.used = True
            self._pool.release(self)
        else:
            self._close(abort=False)

    @property
    def surplus(self) -> bool:
        """Whether bytes came that answer no request."""
        return self._reader.held > 0

    def _release_exchange(self) -> None:
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.unbind(self)

    def _broken(self) -> None:
        if self.used and not self._bytes_seen:
            self._fail(StaleConnection())
        else:
            self._fail(
                UpstreamError("connect", f"{self.endpoint.host}: the connection was closed early")
            )

    def _fail(self, error: UpstreamError) -> None:
        error.sent = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        if self.response is not None:
            timed_out = error.kind == "timeout"
            self.response.fail(Outcome.TIMED_OUT if timed_out else Outcome.UPSTREAM_BROKEN)
        self._close(abort=True)

    def _close(self, *, abort: bool) -> None:
        if self.closed:
            return
        self.closed = True
        self._uploading = False
        self.deadline = NEVER
        self._release_exchange()
        self._pool.forget(self)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(UpstreamError("connect", "aborted", sent=True))
        if self.response is not None:
            self.response.fail(Outcome.UPSTREAM_BROKEN)
        if abort:
            self.transport.abort()
        else:
            self.transport.close()
