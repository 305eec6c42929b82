"""Anthropic's error shape, and the refusals of the contract in it.

Source: https://platform.claude.com/docs/en/api/errors
"""

from collections.abc import Mapping

import msgspec

from pai.dialect.refused import Refused

_INVALID = "invalid_request_error"
_MOST_TEXT = 1_000
THREAD = "thread"
# By this SDKs know to go on without a thread.
_NO_THREAD = {"error_code": "thread_unsupported_request", "unsupported": [THREAD]}
_TABLE: Mapping[Refused, tuple[int, str]] = {
    Refused.BAD_TOKEN: (401, "authentication_error"),
    Refused.UNKNOWN_MODEL: (404, "not_found_error"),
    Refused.UNKNOWN_PATH: (404, "not_found_error"),
    Refused.WRONG_METHOD: (405, _INVALID),
    Refused.NO_WEBSOCKETS: (426, _INVALID),
    Refused.BAD_BODY: (400, _INVALID),
    Refused.UNSUPPORTED: (400, _INVALID),
    Refused.TOO_LARGE: (413, "request_too_large"),
    Refused.ENCODED_BODY: (415, _INVALID),
    Refused.UNSUPPORTED_VENDOR: (501, "api_error"),
    Refused.OVER_REQUEST_LIMIT: (400, _INVALID),
    Refused.BUDGET_SPENT: (429, "rate_limit_error"),
    Refused.BUDGET_BUSY: (429, "rate_limit_error"),
    Refused.BUDGET_UNAVAILABLE: (503, "api_error"),
    Refused.AGENT_BUSY: (429, "rate_limit_error"),
    Refused.VENDOR_REFUSES_KEY: (502, "api_error"),
    Refused.VENDOR_REFUSES: (400, _INVALID),
    Refused.VENDOR_BROKEN: (502, "api_error"),
    Refused.VENDOR_BUSY: (529, "overloaded_error"),
    Refused.VENDOR_LIMITED: (429, "rate_limit_error"),
    Refused.VENDOR_SLOW: (504, "timeout_error"),
    Refused.NOT_READY: (503, "api_error"),
    Refused.BAD_NAME: (400, _INVALID),
    Refused.UNDECLARED_NAME: (403, "permission_error"),
    Refused.NAMES_BUSY: (429, "rate_limit_error"),
    Refused.NO_ANSWER: (502, "api_error"),
}


class _Error(msgspec.Struct):
    message: str = ""


class _Body(msgspec.Struct):
    error: _Error


_bodies = msgspec.json.Decoder(_Body)


def error_body(kind: str, message: str, details: Mapping[str, object] | None = None) -> bytes:
    """Return `{"type": "error", "error": {"type", "message", "details"}}`."""
    error: dict[str, object] = {"type": kind, "message": message}
    if details is not None:
        error["details"] = details
    return msgspec.json.encode({"type": "error", "error": error})


def refusal(refused: Refused, message: str, param: str | None) -> tuple[int, bytes]:
    """Return status and body; the shape has no place for the field at fault but the message."""
    status, kind = _TABLE[refused]
    text = f"{param}: {message}" if param and param not in message else message
    details = _NO_THREAD if refused is Refused.UNSUPPORTED and param == THREAD else None
    return status, error_body(kind, text, details)


def error_text(body: bytes) -> str:
    """Return the message of a vendor's error, bounded; "" when there is none."""
    try:
        return _bodies.decode(body).error.message[:_MOST_TEXT]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
