import json

import pytest

from pai.dialect.openai import CHAT_CLIENT, error, error_body, error_text, model_body, models_body
from pai.dialect.refused import Refused


@pytest.mark.parametrize(
    ("refused", "status", "kind", "code"),
    [
        (Refused.BAD_TOKEN, 401, "invalid_request_error", "invalid_api_key"),
        (Refused.UNKNOWN_MODEL, 404, "invalid_request_error", "model_not_found"),
        (Refused.BUDGET_SPENT, 429, "insufficient_quota", "insufficient_quota"),
        (Refused.OVER_REQUEST_LIMIT, 400, "invalid_request_error", "max_tokens_per_request"),
        (Refused.TOO_LARGE, 413, "invalid_request_error", "request_too_large"),
        (Refused.BAD_BODY, 400, "invalid_request_error", None),
        (Refused.VENDOR_BROKEN, 502, "server_error", "upstream_error"),
        (Refused.VENDOR_BUSY, 503, "server_error", "upstream_unavailable"),
    ],
)
def test_refusals_are_in_openais_shape(
    refused: Refused, status: int, kind: str, code: str | None
) -> None:
    told, body = CHAT_CLIENT.error(refused, "why", "max_tokens")
    assert told == status
    assert body == error_body(refused, "why", "max_tokens")
    assert json.loads(body) == {
        "error": {"message": "why", "type": kind, "param": "max_tokens", "code": code}
    }


@pytest.mark.parametrize("refused", Refused)
def test_every_refusal_has_words(refused: Refused) -> None:
    status, body = error(refused, "why")
    assert 400 <= status < 600
    assert json.loads(body)["error"]["param"] is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error":{"message":"no","type":"x"}}', "no"),
        (b'{"error":{"code":5}}', ""),
        (b'{"error":"no"}', "no"),
        (b'{"object":"error","message":"no"}', "no"),
        (b'{"message":{"detail":["a"]}}', '{"detail":["a"]}'),
        (b'{"detail":"no"}', "no"),
        (b'{"detail":[{"loc":["body"]}]}', '[{"loc":["body"]}]'),
        (b'[{"error":{"message":"no"}}]', "no"),
        (b"[]", ""),
        (b"{}", ""),
        (b"<html>", ""),
        (b"\xff", ""),
        (b'{"error":{"message":"%b"}}' % (b"a" * 9_000), "a" * 2_000),
    ],
)
def test_a_vendors_message_is_found_and_bounded(body: bytes, text: str) -> None:
    assert error_text(body) == text


def test_models_are_listed_in_order() -> None:
    listed = json.loads(models_body([("b", "openai"), ("a", "openrouter")]))
    assert [entry["id"] for entry in listed["data"]] == ["b", "a"]
    assert listed["data"][0] == json.loads(model_body("b", "openai"))
