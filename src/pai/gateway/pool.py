"""A client pool that tells whether a failed request may have reached the vendor.

What was sent may be billed, so it is charged; and it is never sent again behind our back.
"""

from pai.wire.client import ClientPool
from pai.wire.exchange import Exchange
from pai.wire.message import ClientGone, UpstreamError
from pai.wire.upstream import StaleConnection, UpstreamConnection, UpstreamResponse


class SentError(UpstreamError):
    """The request was sent and no answer came. stale: over a connection that was kept open."""

    def __init__(self, error: UpstreamError) -> None:
        super().__init__(error.kind, error.message)
        self.stale = isinstance(error, StaleConnection)


class ClientGoneAfterSend(ClientGone):
    """The client hung up while the vendor was at work."""


class VendorPool(ClientPool):
    """`ClientPool` for calls that cost money. Failures after sending are SentError."""

    async def _send_over(
        self,
        connection: UpstreamConnection,
        block: bytes,
        method: bytes,
        body: "bytes | Exchange | None",
        owner: "Exchange | None",
        upgrade: bool,
    ) -> UpstreamResponse:
        if owner is not None and owner.client_gone:
            connection.close()
            raise ClientGone
        try:
            return await super()._send_over(connection, block, method, body, owner, upgrade)
        except UpstreamError as error:
            raise SentError(error) from None
        except ClientGone:
            raise ClientGoneAfterSend from None
