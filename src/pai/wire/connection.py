"""One accepted connection: requests in order, one task, strict to the byte."""

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from pai.wire import log
from pai.wire.deadlines import NEVER
from pai.wire.errors import ClientGone, Malformed, PayloadTooLarge
from pai.wire.exchange import Exchange
from pai.wire.framing import RequestReader
from pai.wire.message import RequestHead
from pai.wire.serialize import CLOSE, CONTINUE, content_length, response_block
from pai.wire.sockets import original_destination

if TYPE_CHECKING:
    from pai.wire.server import HttpServer
    from pai.wire.tunnel import PipeEnd

_RESET: Final = struct.pack("ii", 1, 0)


# What a connection is doing. Plain numbers: they are compared several times for each request.
_HEAD: Final = 0
_IDLE: Final = 1
_HANDLER: Final = 2
_LINGER: Final = 3
_CLOSED: Final = 4


class ServerConnection(asyncio.Protocol):
    """Serves the requests of one client connection with the server's handler."""

    __slots__ = (
        "_asked_continue",
        "_body_bytes",
        "_detached",
        "_drained",
        "_lingered",
        "_next",
        "_phase",
        "_read_paused",
        "_reader",
        "_server",
        "_task",
        "deadline",
        "exchange",
        "keep_alive",
        "limits",
        "local",
        "loop",
        "original_dst",
        "peer",
        "sni",
        "transport",
        "write_paused",
    )

    def __init__(
        self,
        server: "HttpServer",
        sni: str | None = None,
        original_dst: tuple[str, int] | None = None,
    ) -> None:
        self._server = server
        self.limits = server.limits
        self.loop = asyncio.get_running_loop()
        self.sni = sni
        self.original_dst = original_dst
        self.peer: tuple[str, int] = ("", 0)
        self.local: tuple[str, int] = ("", 0)
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._reader = RequestReader(
            self, max_head=self.limits.head_bytes, max_fields=self.limits.head_fields
        )
        self.exchange: Exchange | None = None
        self._next: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._phase = _HEAD
        self._read_paused = False
        self._asked_continue = False
        self._lingered = 0
        self._detached = False
        self._body_bytes = 0
        self.write_paused = False
        self.keep_alive = True
        self.deadline = NEVER

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start serving, unless there are too many connections."""
        self.transport = cast(asyncio.Transport, transport)
        self.peer = _address(transport.get_extra_info("peername"))
        if not self._server.admit(self):
            self._phase = _CLOSED
            self.transport.abort()
            return
        self.local = _address(transport.get_extra_info("sockname"))
        if self._server.original_dst and self.original_dst is None:
            self.original_dst = original_destination(transport.get_extra_info("socket"))
        self.deadline = self.loop.time() + self.limits.head_seconds
        self._task = self.loop.create_task(self._serve())
        self._task.add_done_callback(self._served)

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        phase = self._phase
        if phase == _LINGER:
            self._discard(len(data))
            return
        if phase == _CLOSED:
            return
        try:
            self._reader.feed(data)
        except Malformed as error:
            self._refuse(error)
            return
        self._after_feed()

    def _after_feed(self) -> None:
        exchange = self.exchange
        if exchange is None:
            if self._phase == _IDLE:  # the first bytes of a head: the clock starts, once
                self._phase = _HEAD
                self.deadline = self.loop.time() + self.limits.head_seconds
        elif not exchange.body_ended:
            if self.deadline != NEVER:
                self.deadline = self.loop.time() + self.limits.body_idle_seconds
        elif self._reader.held > self.limits.buffer_bytes:
            self.pause_reading()

    def eof_received(self) -> bool:
        """The client has closed: nobody waits for an answer."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop what is done for this client."""
        self._phase = _CLOSED
        self._server.discard(self)
        self._wake()
        self._reader.leave()
        if self.exchange is not None:
            self.exchange.lose_client()

    def pause_writing(self) -> None:
        """The client reads too slowly: stop its upstream."""
        self.write_paused = True
        self.deadline = self.loop.time() + self.limits.write_idle_seconds
        exchange = self.exchange
        if exchange is not None and exchange.relay_state is not None:
            exchange.relay_state.pause()

    def resume_writing(self) -> None:
        """The client has read what waited."""
        self.write_paused = False
        self.deadline = NEVER
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        exchange = self.exchange
        if exchange is not None and exchange.relay_state is not None:
            exchange.relay_state.resume()

    # RequestReader's sink

    def on_head(self, head: RequestHead) -> None:
        """A request begins: wake the task."""
        limit = self.limits.body_bytes
        if limit is not None and (head.content_length or 0) > limit:
            raise Malformed(f"the body is larger than {limit} bytes", 413)
        self.exchange = Exchange(self, head)
        self._body_bytes = 0
        self._phase = _HANDLER
        self._asked_continue = not head.expect_continue
        self.keep_alive = head.keep_alive
        self.deadline = NEVER
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    def on_data(self, data: bytes, ended: bool) -> None:
        """Body bytes of the request."""
        exchange = self.exchange
        if exchange is None:
            return
        limit = self.limits.body_bytes
        if limit is not None:
            self._body_bytes += len(data)
            if self._body_bytes > limit:
                raise Malformed(f"the body is larger than {limit} bytes", 413)
        exchange.feed(data, ended)
        if ended and not self.write_paused:
            self.deadline = NEVER

    # What exchange and relay call

    def write(self, data: bytes) -> None:
        """Send bytes to the client; backpressure comes by `pause_writing`."""
        if self._phase != _CLOSED:
            self.transport.write(data)

    def want_body(self, exchange: Exchange) -> None:
        """Someone reads the body: let it come."""
        if exchange.body_ended or self._phase == _CLOSED:
            return
        if not self._asked_continue:
            self._asked_continue = True
            self.transport.write(CONTINUE)
        self.deadline = self.loop.time() + self.limits.body_idle_seconds
        self.resume_reading()

    def pause_reading(self) -> None:
        """Take no more from the client for now."""
        if not self._read_paused and self._phase != _CLOSED:
            self._read_paused = True
            self.transport.pause_reading()
            if not self.write_paused:
                self.deadline = NEVER

    def resume_reading(self) -> None:
        """Take bytes from the client again."""
        if self._read_paused and self._phase != _CLOSED:
            self._read_paused = False
            self.transport.resume_reading()
            if self.exchange is not None and not self.exchange.body_ended:
                self.deadline = self.loop.time() + self.limits.body_idle_seconds

    def stays_open(self, exchange: Exchange) -> bool:
        """Decide, as the response's head is written, whether another request may follow."""
        if self._server.leaving or self.keep_alive is False:
            self.keep_alive = False
        elif not exchange.body_ended:
            left = exchange.head.content_length
            small = left is not None and left <= self.limits.drain_body_bytes
            streaming = exchange.upstream is not None
            self.keep_alive = self._asked_continue and (small or streaming)
        return self.keep_alive

    def break_off(self) -> None:
        """Cut the connection so that the client can't take what it has for a whole response."""
        if self._phase == _CLOSED:
            return
        self._phase = _CLOSED
        sock: socket.socket | None = self.transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            # a reset, not an end: for an HTTP/1.0 client the end would complete the body
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def detach(self, end: "PipeEnd") -> bytes:
        """Leave the transport to a tunnel; return what the client has sent already."""
        self._phase = _CLOSED
        self._detached = True
        self.deadline = NEVER
        self.transport.set_protocol(end)
        self._reader.leave()
        return self._reader.take_rest()

    # Timed

    def on_deadline(self, now: float) -> None:
        """The client was too slow."""
        self.deadline = NEVER
        if self.write_paused:
            if self.exchange is not None:
                self.exchange.lose_client(timed_out=True)
            self.break_off()
        elif self._phase == _HEAD and self._reader.held:
            self._refuse(Malformed("the header took too long", 408))
        elif self._phase == _HANDLER:
            self._refuse(Malformed("the body took too long", 408))
        else:
            self._close()

    # The task

    async def _serve(self) -> None:
        handler = self._server.handler
        while self._phase != _CLOSED:
            exchange = self.exchange
            if exchange is None:
                self._next = self.loop.create_future()
                await self._next
                self._next = None
                continue
            try:
                await handler(exchange)
            except ClientGone:
                pass
            except PayloadTooLarge as large:
                await self._answer(exchange, 413, "payload_too_large", large.message)
            except Malformed as error:
                await self._answer(exchange, error.status, "malformed_request", error.message)
            if self._is_plain(exchange):
                self._await_next()
            elif not await self._finish(exchange):
                break

    def _is_plain(self, exchange: Exchange) -> bool:
        """Say whether nothing is left to do but to serve the next request."""
        return (
            exchange.finished
            and exchange.body_ended
            and exchange.upstream is None
            and self.keep_alive
            and not self.write_paused
            and self._phase == _HANDLER
            and not exchange.client_gone
        )

    async def _answer(self, exchange: Exchange, status: int, code: str, message: str) -> None:
        if not exchange.started and not exchange.client_gone:
            self.keep_alive = False
            await exchange.respond(status, _JSON, error_body(code, message))

    async def _finish(self, exchange: Exchange) -> bool:
        """Bring the exchange to an end; return whether another may follow."""
        if exchange.upstream is not None:
            exchange.upstream.abort()
        if self._phase == _CLOSED or exchange.client_gone:
            return False
        if not exchange.started:
            log.error("handler gave no response", method=exchange.head.method.decode())
            await exchange.respond(500, _JSON, error_body("internal", "no response was given"))
        if not exchange.finished:
            self.break_off()
            return False
        if self.write_paused:
            self._drained = self.loop.create_future()
            await self._drained
            self._drained = None
        if self._phase != _HANDLER:
            return False
        if not exchange.body_ended and not await self._drain_body(exchange):
            self._linger()
            return False
        if not self.keep_alive:
            self._close()
            return False
        self._await_next()
        return True

    async def _drain_body(self, exchange: Exchange) -> bool:
        if not self.keep_alive or not exchange.head.content_length:
            return False
        try:
            await exchange.read_body(self.limits.drain_body_bytes)
        except (ClientGone, Malformed, PayloadTooLarge):
            return False
        return True

    def _await_next(self) -> None:
        self._forget()
        self._phase = _IDLE
        self.deadline = self.loop.time() + self.limits.keep_alive_seconds
        try:
            self._reader.next_message()
        except Malformed as error:
            self._refuse(error)
            return
        if self._reader.held or self.exchange is not None:
            self._after_feed()
        if self._reader.held <= self.limits.buffer_bytes:
            self.resume_reading()

    def _forget(self) -> None:
        self.exchange = None  # each knows the other: both would wait for the garbage collector

    def _served(self, task: asyncio.Task[None]) -> None:
        if self._detached:  # a tunnel had the transport: nothing else tells that it is over
            self._server.discard(self)
        if task.cancelled():
            self.break_off()
            return
        error = task.exception()
        if error is None:
            self._forget()
            return
        log.crash("handler crashed", error)
        exchange = self.exchange
        if exchange is None or exchange.started or self._phase == _CLOSED:
            self.break_off()
        else:
            self._refuse(Malformed("an internal error", 500))
        if exchange is not None and exchange.upstream is not None:
            exchange.upstream.abort()

    # Endings

    def _refuse(self, error: Malformed) -> None:
        """Answer bytes that are no request, or a body that is none; then close."""
        exchange = self.exchange
        self._server.refused(self, error)
        started = exchange is not None and exchange.started
        if exchange is not None:
            exchange.fail_body(error)
            exchange.client_gone = True
        if started:
            self.break_off()
            return
        code = "internal" if error.status == 500 else "malformed_request"
        body = error_body(code, error.message)
        framing = content_length(len(body)) + CLOSE
        self.transport.write(response_block(error.status, _JSON, framing) + body)
        self._linger()

    def _linger(self) -> None:
        """Close once the client has had a chance to read the answer.

        Closing with unread bytes would reset the connection and destroy the answer on its way.
        """
        if self._phase == _CLOSED:
            return
        self._phase = _LINGER
        self.deadline = self.loop.time() + self.limits.linger_seconds
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self._read_paused:
            self._read_paused = False
            self.transport.resume_reading()
        self._wake()

    def _discard(self, size: int) -> None:
        self._lingered += size
        if self._lingered > self.limits.linger_bytes:
            self._close()

    def _close(self) -> None:
        if self._phase != _CLOSED:
            self._phase = _CLOSED
            self.transport.close()
        self._wake()

    def _wake(self) -> None:
        for future in (self._next, self._drained):
            if future is not None and not future.done():
                future.set_result(None)

    def drain(self) -> None:
        """Close when idle; else after the current response."""
        self.keep_alive = False
        if self.exchange is None and not self._reader.held:
            self._close()

    def abort(self) -> None:
        """End at once; the handler is cancelled."""
        if self._task is not None:
            self._task.cancel()
        self.break_off()
        if self.transport is not None:
            self.transport.abort()


_JSON: Final = [(b"content-type", b"application/json")]


def error_body(code: str, message: str) -> bytes:
    """Return the JSON body of an error that the kernel itself answers."""
    return msgspec.json.encode({"error": {"code": code, "message": message}})


def _address(name: Any) -> tuple[str, int]:
    if isinstance(name, tuple) and len(name) >= 2:
        return str(name[0]).partition("%")[0], int(name[1])
    return "", 0
