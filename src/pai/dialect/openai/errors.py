"""OpenAI's error shape: the platform's refusals in it, and the message of a vendor's own."""

import msgspec
from msgspec import Raw

from pai.dialect.refused import Refused

_INVALID, _SERVER = "invalid_request_error", "server_error"
_MOST_TEXT = 2_000

_TABLE: dict[Refused, tuple[int, str, str | None]] = {
    Refused.BAD_TOKEN: (401, _INVALID, "invalid_api_key"),
    Refused.UNKNOWN_MODEL: (404, _INVALID, "model_not_found"),
    Refused.UNKNOWN_PATH: (404, _INVALID, "unknown_url"),
    Refused.WRONG_METHOD: (405, _INVALID, "method_not_allowed"),
    Refused.NO_WEBSOCKETS: (426, _INVALID, "websockets_not_served"),
    Refused.BAD_BODY: (400, _INVALID, None),
    Refused.UNSUPPORTED: (400, _INVALID, "unsupported_parameter"),
    Refused.TOO_LARGE: (413, _INVALID, "request_too_large"),
    Refused.ENCODED_BODY: (415, _INVALID, "unsupported_encoding"),
    Refused.UNSUPPORTED_VENDOR: (501, _INVALID, "vendor_not_served"),
    Refused.OVER_REQUEST_LIMIT: (400, _INVALID, "max_tokens_per_request"),
    Refused.BUDGET_SPENT: (429, "insufficient_quota", "insufficient_quota"),
    Refused.BUDGET_BUSY: (429, "tokens", "rate_limit_exceeded"),
    Refused.BUDGET_UNAVAILABLE: (503, _SERVER, "budget_unavailable"),
    Refused.AGENT_BUSY: (429, "requests", "rate_limit_exceeded"),
    Refused.VENDOR_REFUSES_KEY: (502, _SERVER, "upstream_credential"),
    Refused.VENDOR_REFUSES: (400, _INVALID, "upstream_refused"),
    Refused.VENDOR_BROKEN: (502, _SERVER, "upstream_error"),
    Refused.VENDOR_BUSY: (503, _SERVER, "upstream_unavailable"),
    Refused.VENDOR_LIMITED: (429, "requests", "rate_limit_exceeded"),
    Refused.VENDOR_SLOW: (504, _SERVER, "upstream_timeout"),
    Refused.NOT_READY: (503, _SERVER, "gateway_not_ready"),
    Refused.BAD_NAME: (400, _INVALID, "not_a_host_name"),
    Refused.UNDECLARED_NAME: (403, _INVALID, "name_not_declared"),
    Refused.NAMES_BUSY: (429, "requests", "rate_limit_exceeded"),
    Refused.NO_ANSWER: (502, _SERVER, "name_not_resolved"),
}


class _Error(msgspec.Struct):
    message: str | None = None


class _Body(msgspec.Struct):
    """error: as OpenAI has it; message and detail: as some servers have it instead."""

    error: _Error | str | None = None
    message: Raw = Raw(b"null")
    detail: Raw = Raw(b"null")


_bodies = msgspec.json.Decoder(_Body | list[_Body])  # Gemini's OpenAI endpoint answers a list


def error(refused: Refused, message: str, param: str | None = None) -> tuple[int, bytes]:
    """Return status and body of a refusal."""
    return _TABLE[refused][0], error_body(refused, message, param)


def error_body(refused: Refused, message: str, param: str | None = None) -> bytes:
    """Return `{"error": {"message", "type", "param", "code"}}`."""
    _, kind, code = _TABLE[refused]
    told = {"message": message, "type": kind, "param": param, "code": code}
    return msgspec.json.encode({"error": told})


def error_text(body: bytes) -> str:
    """Return the message in a vendor's error body, bounded; "" when there is none."""
    try:
        found = _bodies.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
    if isinstance(found, list):
        if not found:
            return ""
        found = found[0]
    return _text_of(found)[:_MOST_TEXT]


def _text_of(body: _Body) -> str:
    if isinstance(body.error, str):
        return body.error
    if body.error is not None:
        return body.error.message or ""
    for value in (body.message, body.detail):
        told = msgspec.json.decode(value)
        if isinstance(told, str) and told:
            return told
        if told:
            return bytes(value).decode()
    return ""
