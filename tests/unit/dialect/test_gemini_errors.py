import json

import pytest

from pai.dialect.gemini import EMBED_CLIENT, GENERATE_CLIENT, GENERATE_VENDOR
from pai.dialect.gemini.errors import may_pass
from pai.dialect.refused import Refused


@pytest.mark.parametrize(
    ("refused", "code", "status"),
    [
        (Refused.BAD_TOKEN, 401, "UNAUTHENTICATED"),
        (Refused.UNKNOWN_MODEL, 404, "NOT_FOUND"),
        (Refused.BUDGET_SPENT, 429, "RESOURCE_EXHAUSTED"),
        (Refused.OVER_REQUEST_LIMIT, 400, "INVALID_ARGUMENT"),
        (Refused.TOO_LARGE, 413, "INVALID_ARGUMENT"),
        (Refused.BAD_BODY, 400, "INVALID_ARGUMENT"),
        (Refused.VENDOR_BROKEN, 503, "UNAVAILABLE"),
    ],
)
def test_the_contracts_table(refused: Refused, code: int, status: str) -> None:
    told, body = GENERATE_CLIENT.error(refused, "no", None)
    assert told == code
    error = json.loads(body)["error"]
    assert (error["code"], error["message"], error["status"]) == (code, "no", status)
    assert EMBED_CLIENT.error(refused, "no", None) == (told, body)


@pytest.mark.parametrize("refused", list(Refused))
def test_every_refusal_has_words(refused: Refused) -> None:
    code, body = GENERATE_CLIENT.error(refused, "no", "maxOutputTokens")
    assert 400 <= code < 600
    details = json.loads(body)["error"]["details"]
    assert details[0]["reason"] == refused.name
    assert details[1]["fieldViolations"] == [{"field": "maxOutputTokens", "description": "no"}]


def test_a_days_quota_is_told_apart_from_one_that_passes() -> None:
    _, body = GENERATE_CLIENT.error(Refused.BUDGET_SPENT, "no", None)
    assert "PerDay" in json.loads(body)["error"]["details"][-1]["violations"][0]["quotaId"]
    _, body = GENERATE_CLIENT.error(Refused.BUDGET_BUSY, "no", None)
    assert "PerMinute" in json.loads(body)["error"]["details"][-1]["violations"][0]["quotaId"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error":{"code":400,"message":"no"}}', "no"),
        (b'[{"error":{"message":"no"}}]', "no"),
        (b'{"error":"no"}', "no"),
        (b"[]", ""),
        (b"{}", ""),
        (b'{"error":{}}', ""),
        (b"<html>", ""),
        (b'"\xff"', ""),
        (b'{"error":{"message":"%b"}}' % (b"x" * 9_000), "x" * 2_000),
    ],
)
def test_a_vendors_own_words_are_read(body: bytes, text: str) -> None:
    assert GENERATE_VENDOR.error_text(body) == text


def test_what_may_pass() -> None:
    assert may_pass(b'{"error":{"code":429}}')
    assert not may_pass(b'{"error":{"code":400}}')
    assert not may_pass(b"")
