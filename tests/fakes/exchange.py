"""A real exchange whose client sends nothing more and can hang up."""

from pai.wire.connection import ServerConnection
from pai.wire.exchange import Exchange
from pai.wire.message import Headers, RequestHead
from pai.wire.server import HttpServer


async def _nothing(exchange: Exchange) -> None:
    raise AssertionError("nobody serves this request")


def exchange_with(headers: Headers | None = None) -> Exchange:
    """Return an exchange of a connection without transport; `lose_client` hangs up."""
    head = RequestHead()
    head.headers = headers or []
    head.content_length, head.chunked = 0, False
    exchange = Exchange(ServerConnection(HttpServer(_nothing)), head)
    exchange.body_ended = True
    return exchange
