"""Google's error shape: the platform's refusals in it, and the message of the vendor's own.

Source: https://google.aip.dev/193, https://ai.google.dev/gemini-api/docs/troubleshooting
"""

import msgspec

from pai.dialect.refused import Refused

_DOMAIN = "pai.io"
_TYPE = "type.googleapis.com/google.rpc."
_MOST_TEXT = 2_000
_INVALID, _EXHAUSTED, _UNAVAILABLE = "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "UNAVAILABLE"

_TABLE: dict[Refused, tuple[int, str]] = {
    Refused.BAD_TOKEN: (401, "UNAUTHENTICATED"),
    Refused.UNKNOWN_MODEL: (404, "NOT_FOUND"),
    Refused.UNKNOWN_PATH: (404, "NOT_FOUND"),
    Refused.WRONG_METHOD: (405, "UNIMPLEMENTED"),
    Refused.NO_WEBSOCKETS: (426, "UNIMPLEMENTED"),
    Refused.BAD_BODY: (400, _INVALID),
    Refused.UNSUPPORTED: (400, _INVALID),
    Refused.TOO_LARGE: (413, _INVALID),
    Refused.ENCODED_BODY: (415, _INVALID),
    Refused.UNSUPPORTED_VENDOR: (501, "UNIMPLEMENTED"),
    Refused.OVER_REQUEST_LIMIT: (400, _INVALID),
    Refused.BUDGET_SPENT: (429, _EXHAUSTED),
    Refused.BUDGET_BUSY: (429, _EXHAUSTED),
    Refused.BUDGET_UNAVAILABLE: (503, _UNAVAILABLE),
    Refused.AGENT_BUSY: (429, _EXHAUSTED),
    Refused.VENDOR_REFUSES_KEY: (500, "INTERNAL"),
    Refused.VENDOR_REFUSES: (400, _INVALID),
    Refused.VENDOR_BROKEN: (503, _UNAVAILABLE),
    Refused.VENDOR_BUSY: (503, _UNAVAILABLE),
    Refused.VENDOR_LIMITED: (429, _EXHAUSTED),
    Refused.VENDOR_SLOW: (504, "DEADLINE_EXCEEDED"),
    Refused.NOT_READY: (503, _UNAVAILABLE),
    Refused.BAD_NAME: (400, _INVALID),
    Refused.UNDECLARED_NAME: (403, "PERMISSION_DENIED"),
    Refused.NAMES_BUSY: (429, _EXHAUSTED),
    Refused.NO_ANSWER: (503, _UNAVAILABLE),
}
_QUOTAS = {
    Refused.BUDGET_SPENT: "TokensPerDay",
    Refused.BUDGET_BUSY: "TokensPerMinute",
    Refused.AGENT_BUSY: "RequestsPerMinute",
    Refused.VENDOR_LIMITED: "RequestsPerMinute",
}
"""Google's clients tell by these words whether waiting helps: a day's quota is not asked again."""


class _Error(msgspec.Struct):
    message: str | None = None
    code: int | None = None


class _Body(msgspec.Struct):
    error: _Error | str | None = None


_bodies = msgspec.json.Decoder(_Body | list[_Body])  # a stream that is an array is refused in one


def error(refused: Refused, message: str, param: str | None = None) -> tuple[int, bytes]:
    """Return status and body of a refusal."""
    code, status = _TABLE[refused]
    told = {
        "code": code,
        "message": message,
        "status": status,
        "details": _details(refused, message, param),
    }
    return code, msgspec.json.encode({"error": told})


def _details(refused: Refused, message: str, param: str | None) -> list[dict[str, object]]:
    details: list[dict[str, object]] = [
        {"@type": f"{_TYPE}ErrorInfo", "reason": refused.name, "domain": _DOMAIN}
    ]
    if param is not None:
        violation = {"field": param, "description": message}
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]})
    quota = _QUOTAS.get(refused)
    if quota is not None:
        exceeded = {"quotaMetric": f"{_DOMAIN}/{refused.name.lower()}", "quotaId": quota}
        details.append({"@type": f"{_TYPE}QuotaFailure", "violations": [exceeded]})
    return details


def error_text(body: bytes) -> str:
    """Return the message in a vendor's error body, bounded; "" when there is none."""
    failure = _failure(body)
    return (failure.message or "")[:_MOST_TEXT]


def may_pass(body: bytes) -> bool:
    """Say whether a vendor's error speaks of a load that may pass."""
    return _failure(body).code in (429, 503)


def _failure(body: bytes) -> _Error:
    try:
        found = _bodies.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _Error()
    if isinstance(found, list):
        found = found[0] if found else _Body()
    if isinstance(found.error, str):
        return _Error(found.error)
    return found.error or _Error()
