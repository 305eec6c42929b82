import json

import pytest

from pai.dialect.openai import Refused, error_body, model_body, models_body


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
    assert refused.status == status
    assert json.loads(error_body(refused, "why", "max_tokens")) == {
        "error": {"message": "why", "type": kind, "param": "max_tokens", "code": code}
    }


def test_models_are_listed_in_order() -> None:
    listed = json.loads(models_body([("b", "openai"), ("a", "openrouter")]))
    assert [entry["id"] for entry in listed["data"]] == ["b", "a"]
    assert listed["data"][0] == json.loads(model_body("b", "openai"))
