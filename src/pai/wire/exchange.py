"""One request and what is answered to it: what handlers work with."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from pai.wire.errors import ClientGone, Malformed, PayloadTooLarge
from pai.wire.message import Headers, Outcome, RequestHead, Tap
from pai.wire.relay import Relay, needs_no_body
from pai.wire.serialize import CLOSE, UPGRADE, content_length, response_block
from pai.wire.tunnel import PipeEnd, Tunnel, TunnelResult

if TYPE_CHECKING:
    from pai.wire.connection import ServerConnection
    from pai.wire.response import UpstreamResponse
    from pai.wire.upstream import UpstreamConnection


class Exchange:
    """A request, its client, and the one response that is due.

    client_gone: nobody waits for the response any more.
    """

    # Defaults live on the class: creating an exchange sets three attributes, not twenty.
    _body: list[bytes] | None = None
    _body_bytes = 0
    _body_error: Exception | None = None  # ClientGone or Malformed
    _callbacks: list[Callable[[], None]] | None = None
    _limit = 0
    _streaming = False
    _waiter: asyncio.Future[None] | None = None
    body_ended = False
    client_gone = False
    timed_out = False
    started = False
    finished = False
    relay_state: Relay | None = None
    tunnel_result: TunnelResult | None = None
    upstream: "UpstreamConnection | None" = None

    def __init__(self, connection: "ServerConnection", head: RequestHead) -> None:
        self._connection = connection
        self.head = head

    # Who is asking

    @property
    def peer(self) -> tuple[str, int]:
        """The address the connection came from; ("", 0) for a unix socket."""
        return self._connection.peer

    @property
    def local(self) -> tuple[str, int]:
        """The address the connection was accepted on."""
        return self._connection.local

    @property
    def original_dst(self) -> tuple[str, int] | None:
        """Where the client meant to go before it was redirected, if the server looks for that."""
        return self._connection.original_dst

    @property
    def sni(self) -> str | None:
        """The name in the client's TLS hello, lower case."""
        return self._connection.sni

    def on_client_gone(self, callback: Callable[[], None]) -> None:
        """Call `callback` once when the client goes; at once when it has gone."""
        if self.client_gone:
            callback()
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    # The request body

    async def read_body(self, limit: int) -> bytes:
        """Return the whole body.

        Raises PayloadTooLarge beyond `limit` bytes, ClientGone, Malformed.
        """
        if (self.head.content_length or 0) > limit:
            raise PayloadTooLarge(limit)
        whole = self.whole_body(limit)
        if whole is not None:
            return whole
        self._limit = limit
        while not self.body_ended and self._body_bytes <= limit:
            if self._body_error is not None:
                raise self._body_error
            self._connection.want_body(self)
            self._waiter = self._connection.loop.create_future()
            await self._waiter
            self._waiter = None
        if self._body_bytes > limit:
            self._body = None  # this object may outlive the request by some time
            raise PayloadTooLarge(limit)
        return self._take_body()

    def whole_body(self, limit: int) -> bytes | None:
        """Return the body if it is here, as most are; None: `read_body` waits for it."""
        if self.body_ended and self._body_bytes <= limit:
            return self._take_body()
        return None

    def _take_body(self) -> bytes:
        body, self._body = self._body, None
        if body is None:
            return b""
        return body[0] if len(body) == 1 else b"".join(body)

    def stream_to(self, upstream: "UpstreamConnection") -> None:
        """Send the body on to `upstream`: what is here, and the rest as it comes."""
        early = self._take_body()
        self._body_bytes = 0
        self._streaming = True
        if self._body_error is not None:
            upstream.client_gone(self._body_error)
            return
        if early or self.body_ended:
            upstream.upload(early, self.body_ended)
        if not self.body_ended:
            self._connection.want_body(self)

    def feed(self, data: bytes, ended: bool) -> None:
        """Take body bytes from the connection."""
        self.body_ended = ended
        if self._streaming:
            if self.upstream is not None:
                self.upstream.upload(data, ended)
            return
        if data:
            if self._body is None:
                self._body = [data]
            else:
                self._body.append(data)
            self._body_bytes += len(data)
        if self._waiter is not None:
            if (ended or self._body_bytes > self._limit) and not self._waiter.done():
                self._waiter.set_result(None)
        elif self._body_bytes > self._connection.limits.buffer_bytes and not ended:
            self._connection.pause_reading()

    def pause_body(self) -> None:
        """Stop reading the body: the upstream is slow."""
        if not self.body_ended:
            self._connection.pause_reading()

    def resume_body(self) -> None:
        """Read the body on."""
        if not self.body_ended:
            self._connection.resume_reading()

    def fail_body(self, error: ClientGone | Malformed) -> None:
        """The rest of the body will not come: whoever works on the request must stop."""
        if self._body_error is None:
            self._body_error = error
        if not self.body_ended:
            self._body = None  # nobody will ask for a part of it
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if self.upstream is not None:
            self.upstream.client_gone(error)

    # What the upstream connection calls

    def bind(self, upstream: "UpstreamConnection") -> None:
        """Note who works for this exchange; an earlier one that was left is aborted."""
        earlier, self.upstream = self.upstream, upstream
        if earlier is not None and earlier is not upstream:
            earlier.abort()

    def unbind(self, upstream: "UpstreamConnection") -> None:
        """Forget an upstream connection that is done."""
        if self.upstream is upstream:
            self.upstream = None

    def lose_client(self, *, timed_out: bool = False) -> None:
        """Note that the client is gone and stop what is done for it."""
        if self.client_gone:
            return
        self.client_gone = True
        self.timed_out = timed_out
        relay = self.relay_state
        if relay is not None:
            relay.lose_client(Outcome.TIMED_OUT if timed_out else Outcome.CLIENT_GONE)
        self.fail_body(ClientGone())
        for callback in self._callbacks or ():
            callback()
        self._callbacks = None

    def cut(self) -> None:
        """End it here: the client is cut off, what is done for it upstream is aborted."""
        self._connection.break_off()
        self.lose_client()

    # The response

    async def respond(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Do what `answer` does; for handlers that are written as if it could wait."""
        self.answer(status, headers, body)

    def answer(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Send a whole response. A client that is gone is no error here.

        Raises ValueError for a head that can't be sent, RuntimeError for a second response.
        """
        self._begin()
        connection = self._connection
        without = needs_no_body(self.head.method, status)
        framing = b"" if status < 200 or status == 204 else content_length(len(body))
        if not connection.stays_open(self):
            framing += CLOSE
        block = response_block(status, headers, framing)
        self.started = self.finished = True
        if not self.client_gone:
            connection.write(block if without else block + body)

    async def relay(
        self,
        response: "UpstreamResponse",
        *,
        headers: Headers | None = None,
        status: int | None = None,
        tap: Tap | None = None,
    ) -> Outcome:
        """Send an upstream's response on as it comes; return how that ended.

        headers, status: in place of the response's own. tap: sees and may change the body.
        A truncated body is never ended cleanly: the client's connection is aborted.
        """
        if response.head.status == 101:
            return await self.tunnel(response, headers=headers)
        try:
            self._begin()
            relay = Relay(self, self._connection, response, tap)
            block = relay.head_block(
                response.head.status if status is None else status,
                response.head.headers if headers is None else headers,
            )
        except BaseException:
            response.abort()
            raise
        outcome = relay.start(block)
        return await relay.rest() if outcome is None else outcome

    async def tunnel(
        self,
        response: "UpstreamResponse",
        *,
        headers: Headers | None = None,
        tap: Tap | None = None,
    ) -> Outcome:
        """Send a 101 on and join both connections until one ends; see `tunnel_result`.

        tap: sees what the upstream sends and may change it.
        """
        self._begin()
        if self.client_gone:
            response.abort()
            return Outcome.CLIENT_GONE
        block = response_block(101, response.head.headers if headers is None else headers, UPGRADE)
        connection = self._connection
        client, upstream = PipeEnd(), PipeEnd(tap)
        upstream.early = response.connection.detach()
        self.started = self.finished = True
        client.early = connection.detach(client)
        client.transport = connection.transport
        upstream.transport = response.connection.transport
        upstream.transport.set_protocol(upstream)
        connection.transport.write(block)
        seconds = connection.limits.tunnel_idle_seconds
        self.tunnel_result = await Tunnel(client, upstream, seconds).run()
        return self.tunnel_result.outcome

    def _begin(self) -> None:
        if self.started:
            raise RuntimeError("a second response to one request")
