"""What the kernel raises. Not compiled: attributes of a class would be those of its base there."""

from typing import Literal

from pai.errors import PaiError, TransientError


class Malformed(PaiError):  # noqa: N818
    """Bytes that are no unambiguous HTTP/1.1 message. status: what a client is told."""

    reason = "Malformed"

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class PayloadTooLarge(PaiError):  # noqa: N818
    """A body is larger than its reader allows."""

    reason = "PayloadTooLarge"

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {limit} bytes")
        self.limit = limit


class ClientGone(PaiError):  # noqa: N818
    """The client closed, broke or timed out before the exchange was done."""

    reason = "ClientGone"

    def __init__(self, message: str = "the client is gone") -> None:
        super().__init__(message)


UpstreamErrorKind = Literal["connect", "tls", "timeout", "refused", "protocol"]


class UpstreamError(TransientError):
    """An upstream gave no usable response.

    kind: connect (no connection, or it broke), tls (handshake or certificate), timeout, refused
    (the guard or the resolver says no), protocol (not a valid HTTP/1.1 response).
    sent: whether any byte of the request may have reached the upstream.
    """

    reason = "UpstreamError"

    def __init__(self, kind: UpstreamErrorKind, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.kind: UpstreamErrorKind = kind
        self.sent = sent


class BodyEnd(Exception):  # noqa: N818
    """A tap wants nothing more of a body. last: what the client gets as its end."""

    def __init__(self, last: bytes) -> None:
        super().__init__()
        self.last = last
