"""What a bad answer of the API server means. Pure.

The text of an answer to a written Secret may quote its values (a validation error does, and so
may an admission policy), so of such an answer only names are told.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from pai.errors import PaiError
from pai.kube.errors import Cause, KubeRefusedError, KubeUnavailableError

_MESSAGE_LENGTH = 1000
# Reasons whose text the API server makes from names alone.
_NAMES_ONLY = frozenset({"NotFound", "AlreadyExists", "Conflict", "Expired", "Unauthorized"})
# Causes whose text never holds the value, see apimachinery/pkg/util/validation/field.
_VALUE_FREE = frozenset({"FieldValueForbidden", "FieldValueRequired"})
_TOO_MANY = 429
_HINTS = {
    401: "is the token or certificate of this context still valid? log in again",
    403: "`kubectl auth can-i --list` shows what this identity may do",
    404: None,
}
_MAX_RETRY_SECONDS = 300.0


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, *, wrote_secret: bool = False
) -> PaiError:
    """Return the error for an answer of 400 and above.

    wrote_secret: the request had a Secret in its body.
    """
    answer = _status_object(body)
    reason = str(answer.get("reason") or "")
    message = _message(answer, body, status)
    causes = _causes(answer, wrote_secret)
    if wrote_secret and reason not in _NAMES_ONLY:
        told = "; ".join(map(str, causes)) or reason or f"HTTP {status}"
        message = f"the Secret is refused: {told} (details are left out: they may quote values)"
    if status >= 500 or status == _TOO_MANY:
        return KubeUnavailableError(
            f"the API server can't answer now ({status}): {message}",
            retry_after_seconds=_retry_after(headers, answer),
        )
    return KubeRefusedError(status, reason or str(status), message, causes, _HINTS.get(status))


def watch_error(status_object: Mapping[str, Any]) -> PaiError:
    """Return the error for an event of type ERROR in a watch."""
    code = int(status_object.get("code") or 500)
    return refusal(code, {}, msgspec.json.encode(status_object))


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else {}


def _message(answer: Mapping[str, Any], body: bytes, status: int) -> str:
    text = str(answer.get("message") or "")
    if not text and not answer:  # a proxy in between, or a plain-text answer
        text = body.decode(errors="replace")
    return " ".join(text.split())[:_MESSAGE_LENGTH] or f"HTTP {status}"


def _causes(answer: Mapping[str, Any], wrote_secret: bool) -> tuple[Cause, ...]:
    found = (answer.get("details") or {}).get("causes") or ()
    causes: list[Cause] = []
    for cause in found:
        quotes = wrote_secret and cause.get("reason") not in _VALUE_FREE
        message = "" if quotes else " ".join(str(cause.get("message") or "").split())
        causes.append(Cause(str(cause.get("field") or ""), message[:_MESSAGE_LENGTH]))
    return tuple(causes)


def _retry_after(headers: Mapping[str, str], answer: Mapping[str, Any]) -> float | None:
    """Return the seconds asked for; a date, which API servers don't send, is not read."""
    told = headers.get("retry-after") or (answer.get("details") or {}).get("retryAfterSeconds")
    try:
        seconds = float(told)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return min(max(seconds, 0.0), _MAX_RETRY_SECONDS) if seconds == seconds else None
