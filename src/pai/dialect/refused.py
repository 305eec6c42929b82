"""Every way the gateway says no, and a vendor's own refusals sorted; each dialect words them."""

from enum import Enum, auto


class Refused(Enum):
    """Why a request gets no answer. Source: contract of refusals, docs/gateway.md."""

    BAD_TOKEN = auto()
    UNKNOWN_MODEL = auto()
    UNKNOWN_PATH = auto()
    WRONG_METHOD = auto()
    NO_WEBSOCKETS = auto()
    """Its status, 426, is the one by which clients go on over HTTP at once."""
    BAD_BODY = auto()
    UNSUPPORTED = auto()
    """The vendor lacks what the request asks for, and leaving it out would change its meaning."""
    TOO_LARGE = auto()
    ENCODED_BODY = auto()
    UNSUPPORTED_VENDOR = auto()
    OVER_REQUEST_LIMIT = auto()
    BUDGET_SPENT = auto()
    BUDGET_BUSY = auto()
    BUDGET_UNAVAILABLE = auto()
    AGENT_BUSY = auto()
    VENDOR_REFUSES_KEY = auto()
    VENDOR_REFUSES = auto()
    """The vendor finds fault with the request itself (4xx)."""
    VENDOR_BROKEN = auto()
    VENDOR_BUSY = auto()
    VENDOR_LIMITED = auto()
    """The vendor limits the rate of the platform's key."""
    VENDOR_SLOW = auto()
    NOT_READY = auto()
    BAD_NAME = auto()
    """Of a host whose address is asked for; likewise the three below."""
    UNDECLARED_NAME = auto()
    NAMES_BUSY = auto()
    NO_ANSWER = auto()


class BadRequestError(Exception):
    """The client's request can't be served as written. param: the field at fault."""

    refused = Refused.BAD_BODY

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class EncodedBodyError(BadRequestError):
    """The body would have to be decoded first."""

    refused = Refused.ENCODED_BODY


class UnsupportedError(BadRequestError):
    """The chosen vendor lacks what the request asks for; another one may have it."""

    refused = Refused.UNSUPPORTED


class UnreadableError(Exception):
    """A vendor's answer is not of the shape that its API promises."""
