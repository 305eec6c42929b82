"""Passes one response body from an upstream to a client, by callbacks."""

import asyncio
from typing import TYPE_CHECKING

from pai.wire.errors import BodyEnd
from pai.wire.message import Headers, Outcome, Tap
from pai.wire.serialize import CHUNKED, CLOSE, LAST_CHUNK, chunk, content_length, response_block

if TYPE_CHECKING:
    from pai.wire.connection import ServerConnection
    from pai.wire.exchange import Exchange
    from pai.wire.response import UpstreamResponse


def needs_no_body(method: bytes, status: int) -> bool:
    """Say whether a response of this status to this method ends with its head."""
    return method == b"HEAD" or status == 204 or status == 304 or status < 200


class Relay:
    """The way of one response through the proxy."""

    __slots__ = ("_chunked", "_connection", "_exchange", "_future", "_response", "_tap")

    def __init__(
        self,
        exchange: "Exchange",
        connection: "ServerConnection",
        response: "UpstreamResponse",
        tap: Tap | None,
    ) -> None:
        self._exchange = exchange
        self._connection = connection
        self._response = response
        self._tap = tap
        self._chunked = False
        self._future: asyncio.Future[Outcome] | None = None

    def head_block(self, status: int, headers: Headers) -> bytes:
        """Return the response's head and decide how its body is framed for the client.

        Raises ValueError for a head that can't be sent.
        """
        head = self._response.head
        connection, tap = self._connection, self._tap
        stays = connection.stays_open(self._exchange)
        if needs_no_body(self._exchange.head.method, status):
            self._tap = None
            stated = head.content_length is not None and status != 204
            framing = content_length(head.content_length or 0) if stated else b""
        elif head.content_length is not None and tap is None:
            framing = content_length(head.content_length)
        elif not head.has_body and tap is None:
            framing = content_length(0)
        elif self._exchange.head.http11:
            framing = CHUNKED
            self._chunked = True
        else:  # an HTTP/1.0 client: the body ends with the connection
            framing = b""
            connection.keep_alive = stays = False
        return response_block(status, headers, framing if stays else framing + CLOSE)

    def start(self, block: bytes) -> Outcome | None:
        """Send the head and the body as far as it is here; return the outcome if that is all."""
        exchange, response = self._exchange, self._response
        if exchange.client_gone:
            response.abort()
            return Outcome.TIMED_OUT if exchange.timed_out else Outcome.CLIENT_GONE
        data, ended = response.attach(self)
        exchange.started = True
        try:
            first = self._encode(data, ended)
        except BodyEnd as end:
            self._end_early(block, end)
            response.leave()
            return Outcome.UPSTREAM_BROKEN
        self._connection.write(block + first)
        if ended:
            exchange.finished = True
            response.leave()
            return Outcome.COMPLETE
        if response.error is not None:
            self._connection.break_off()
            response.leave()
            return response.error
        self._future = self._connection.loop.create_future()
        exchange.relay_state = self
        if self._connection.write_paused:
            response.pause()
        return None

    async def rest(self) -> Outcome:
        """Wait until the body has ended or broken off; callbacks do the work."""
        assert self._future is not None
        try:
            return await self._future
        except asyncio.CancelledError:
            self._response.abort()
            self._connection.break_off()
            raise
        finally:
            self._exchange.relay_state = None
            self._response.leave()

    def _encode(self, data: bytes, ended: bool) -> bytes:
        tap = self._tap
        if tap is not None:
            if data:
                data = tap.feed(data)
            if ended:
                data += tap.finish()
        if self._chunked:
            if data:
                data = chunk(data)
            if ended:
                data += LAST_CHUNK
        return data

    def _end_early(self, block: bytes, end: BodyEnd) -> None:
        """End the client's body cleanly, whatever else the upstream has."""
        last = end.last
        if self._chunked:
            last = (chunk(last) if last else b"") + LAST_CHUNK
        self._connection.write(block + last)
        self._exchange.finished = True
        self._response.abort()

    def on_data(self, data: bytes, ended: bool) -> None:
        """Send body bytes on at once."""
        future = self._future
        if future is None or future.done():
            return
        try:
            if ended or not self._chunked:
                data = self._encode(data, ended)
            else:
                if self._tap is not None and data:
                    data = self._tap.feed(data)
                if data:
                    data = b"%x\r\n%b\r\n" % (len(data), data)
        except BodyEnd as end:
            self._end_early(b"", end)
            future.set_result(Outcome.UPSTREAM_BROKEN)
            return
        except Exception as error:  # a fault of the tap belongs to the handler that put it there
            future.set_exception(error)
            self._response.abort()
            self._connection.break_off()
            return
        if data:
            self._connection.write(data)
        if ended:
            self._exchange.finished = True
            future.set_result(Outcome.COMPLETE)

    def on_error(self, outcome: Outcome) -> None:
        """The body is cut: so is the client's connection."""
        if self._future is not None and not self._future.done():
            self._future.set_result(outcome)
            self._connection.break_off()

    def lose_client(self, outcome: Outcome) -> None:
        """Nobody takes the rest: stop the upstream."""
        if self._future is not None and not self._future.done():
            self._future.set_result(outcome)
        self._response.abort()

    def pause(self) -> None:
        """The client reads too slowly."""
        self._response.pause()

    def resume(self) -> None:
        """The client reads again."""
        self._response.resume()
