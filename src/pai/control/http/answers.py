"""Errors as the public API says them: one shape, status by who has to act."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from pai.api.fault import DocumentErrors
from pai.errors import ConflictError, NotFoundError, PaiError, SpecError, TransientError
from pai.store.errors import VersionGoneError

JSON = "application/json"
# First match decides, so a subclass stands before its base.
_STATUS: tuple[tuple[type[PaiError], int, str], ...] = (
    (NotFoundError, 404, "not_found"),
    (ConflictError, 409, "conflict"),
    (VersionGoneError, 410, "gone"),
    (TransientError, 503, "unavailable"),
    (SpecError, 400, "invalid"),
)


class TooLargeError(PaiError):
    """A request body is over the limit."""

    reason = "TooLarge"


def json_answer(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON response."""
    return Response(msgspec.json.encode(document), status, headers, media_type=JSON)


def error_answer(
    status: int,
    code: str,
    message: str,
    hint: str | None = None,
    faults: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error in the shape of docs/internals.md."""
    error = {"code": code, "message": message, "hint": hint, "faults": faults or []}
    return json_answer({"error": error}, status, headers)


def answer_for(error: PaiError) -> Response:
    """Return the response for an expected error."""
    if isinstance(error, TooLargeError):
        return error_answer(413, "too_large", error.message, error.hint)
    for kind, status, code in _STATUS:
        if isinstance(error, kind):
            return error_answer(status, code, error.message, error.hint, _faults(error))
    return error_answer(500, "failed", error.message, error.hint)


async def on_pai_error(_request: Request, error: Exception) -> Response:
    """Answer for `PaiError`s that a handler raised (FastAPI's exception handler)."""
    if not isinstance(error, PaiError):
        raise error
    return answer_for(error)


def _faults(error: PaiError) -> list[dict[str, Any]]:
    if not isinstance(error, DocumentErrors):
        return []
    return [
        {
            "document": fault.document - 1,
            "path": fault.path,
            "message": fault.message,
            "hint": fault.hint,
        }
        for fault in error.faults
    ]
