"""What answers of the API server become."""

import json
from typing import Any

import pytest

from pai.kube.errors import KubeRefusedError, KubeUnavailableError
from pai.kube.refusals import refusal, watch_error

CANARY = "canary-value"


def status(code: int, reason: str, message: str, **details: Any) -> bytes:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return json.dumps({**body, "details": details}).encode()


def test_a_refusal_keeps_reason_message_and_causes() -> None:
    cause = {"field": "spec.image", "message": "Required value", "reason": "FieldValueRequired"}
    error = refusal(422, {}, status(422, "Invalid", "is invalid", causes=[cause]))
    assert isinstance(error, KubeRefusedError)
    assert (error.status, error.reason, error.message) == (422, "Invalid", "is invalid")
    assert [str(cause) for cause in error.causes] == ["spec.image: Required value"]


@pytest.mark.parametrize("code", [400, 403, 422, 500])
def test_of_a_written_secret_only_names_are_told(code: int) -> None:
    cause = {"field": "data[token]", "message": f"Invalid value: {CANARY}"}
    body = status(code, "Invalid", f"policy says {CANARY}", causes=[cause])
    error = refusal(code, {}, body, wrote_secret=True)
    assert CANARY not in str(error) and CANARY not in repr(getattr(error, "causes", ""))
    assert "data[token]: is refused" in error.message
    unread = refusal(code, {}, f"plain text with {CANARY}".encode(), wrote_secret=True)
    assert CANARY not in str(unread)


def test_what_the_server_says_of_names_alone_is_told_of_secrets_too() -> None:
    error = refusal(409, {}, status(409, "AlreadyExists", '"keys" exists'), wrote_secret=True)
    assert error.message == '"keys" exists'


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"retry-after": "7"}, {}, 7.0),
        ({}, {"retryAfterSeconds": 3}, 3.0),
        ({"retry-after": "soon"}, {}, None),
        ({"retry-after": "nan"}, {}, None),
        ({"retry-after": "1e9"}, {}, 300.0),
        ({}, {}, None),
    ],
)
@pytest.mark.parametrize("code", [429, 500, 503, 504])
def test_a_server_that_asks_for_patience_is_heard(
    code: int, headers: dict[str, str], details: dict[str, Any], seconds: float | None
) -> None:
    error = refusal(code, headers, status(code, "TooManyRequests", "later", **details))
    assert isinstance(error, KubeUnavailableError) and error.retry_after_seconds == seconds


def test_a_watch_that_is_too_old_is_a_refusal_of_410() -> None:
    error = watch_error({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
    assert isinstance(error, KubeRefusedError) and error.status == 410


def test_an_answer_of_something_else_is_shortened() -> None:
    error = refusal(404, {}, b"<html>" + b"x" * 9000)
    assert isinstance(error, KubeRefusedError) and len(error.message) == 1000
