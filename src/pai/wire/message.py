"""Values that pass between the kernel and its users: heads and outcomes.

Header names are lower-case bytes, in the order of arrival. Hop-by-hop fields, `content-length`,
`transfer-encoding` and `expect` are not among `headers`: they are attributes of the head and are
written anew on the way out, so no user of the kernel can forward them by accident.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final, Protocol

Headers = list[tuple[bytes, bytes]]

# RFC 9110 7.6.1 and what old proxies invented. Never forwarded, in either direction.
HOP_BY_HOP: Final = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    )
)
# Written by the serialiser alone.
FRAMING: Final = HOP_BY_HOP | {b"content-length", b"expect"}


class RequestHead:
    """A request line with its fields, after strict parsing.

    target: origin-form, as received (absolute-form is reduced to it). path and query: its two
    parts, undecoded; query without `?`. host: lower case, without port and brackets; port: None
    when the Host field names none. upgrade: `websocket` or None.
    """

    __slots__ = (
        "chunked",
        "content_length",
        "expect_continue",
        "headers",
        "host",
        "http11",
        "keep_alive",
        "method",
        "path",
        "port",
        "query",
        "target",
        "upgrade",
    )

    method: bytes
    target: bytes
    path: bytes
    query: bytes
    headers: Headers
    host: bytes
    port: int | None
    content_length: int | None
    chunked: bool
    keep_alive: bool
    expect_continue: bool
    upgrade: bytes | None
    http11: bool

    def get(self, name: bytes) -> bytes | None:
        """Return the value of the first field called `name` (lower case), or None."""
        return first(self.headers, name)

    @property
    def has_body(self) -> bool:
        """Whether body bytes follow the head."""
        return self.chunked or bool(self.content_length)


class ResponseHead:
    """A status line with its fields, after strict parsing.

    content_length: as stated, also for HEAD and 304, where no body follows. until_close: the body
    ends with the connection. has_body: whether body bytes may follow.
    """

    __slots__ = (
        "chunked",
        "content_length",
        "has_body",
        "headers",
        "keep_alive",
        "reason",
        "status",
        "until_close",
        "upgrade",
    )

    status: int
    reason: bytes
    headers: Headers
    content_length: int | None
    chunked: bool
    keep_alive: bool
    upgrade: bytes | None
    until_close: bool
    has_body: bool

    def get(self, name: bytes) -> bytes | None:
        """Return the value of the first field called `name` (lower case), or None."""
        return first(self.headers, name)


def first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return the value of the first field called `name`, or None."""
    for key, value in headers:
        if key == name:
            return value
    return None


class Tap(Protocol):
    """Sees a response body on its way to the client and may change it.

    Bytes are those of the message after de-chunking; a content coding stays as it is.
    """

    def feed(self, chunk: bytes) -> bytes:
        """Take the next body bytes; return what to send now. Raises BodyEnd."""

    def finish(self) -> bytes:
        """Return what is left to send once the body has ended."""


class Outcome(Enum):
    """How a relay or a tunnel ended."""

    COMPLETE = "complete"
    CLIENT_GONE = "client_gone"
    UPSTREAM_BROKEN = "upstream_broken"
    TIMED_OUT = "timed_out"
