import json

import pytest

from pai.dialect.anthropic import MESSAGES_CLIENT, MESSAGES_VENDOR
from pai.dialect.refused import Refused


@pytest.mark.parametrize(
    ("refused", "status", "kind"),
    [
        (Refused.BAD_TOKEN, 401, "authentication_error"),
        (Refused.UNKNOWN_MODEL, 404, "not_found_error"),
        (Refused.BUDGET_SPENT, 429, "rate_limit_error"),
        (Refused.BUDGET_BUSY, 429, "rate_limit_error"),
        (Refused.OVER_REQUEST_LIMIT, 400, "invalid_request_error"),
        (Refused.TOO_LARGE, 413, "request_too_large"),
        (Refused.BAD_BODY, 400, "invalid_request_error"),
        (Refused.UNSUPPORTED, 400, "invalid_request_error"),
        (Refused.VENDOR_REFUSES, 400, "invalid_request_error"),
        (Refused.VENDOR_BROKEN, 502, "api_error"),
        (Refused.VENDOR_BUSY, 529, "overloaded_error"),
        (Refused.VENDOR_SLOW, 504, "timeout_error"),
    ],
)
def test_refusals_are_in_anthropics_shape(refused: Refused, status: int, kind: str) -> None:
    found, body = MESSAGES_CLIENT.error(refused, "why", None)
    assert found == status
    assert json.loads(body) == {"type": "error", "error": {"type": kind, "message": "why"}}


@pytest.mark.parametrize("refused", Refused)
def test_every_refusal_has_words(refused: Refused) -> None:
    status, body = MESSAGES_CLIENT.error(refused, "why", "max_tokens")
    assert 400 <= status < 600
    assert json.loads(body)["error"]["message"] == "max_tokens: why"


def test_a_field_that_the_message_names_is_not_named_again() -> None:
    _, body = MESSAGES_CLIENT.error(Refused.BAD_BODY, "'model' is missing", "model")
    assert json.loads(body)["error"]["message"] == "'model' is missing"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"type":"error","error":{"type":"x","message":"why"},"request_id":"r"}', "why"),
        (json.dumps({"error": {"message": "x" * 5_000}}).encode(), "x" * 1_000),
        (b'{"error":{}}', ""),
        (b'{"error":"why"}', ""),
        (b"<html>", ""),
        (b"\xff", ""),
    ],
)
def test_a_vendors_words_are_found(body: bytes, text: str) -> None:
    assert MESSAGES_VENDOR.error_text(body) == text
