import json

import pytest

from pai.dialect.anthropic import (
    CLIENT_HEADERS,
    MESSAGES_CLIENT,
    MESSAGES_VENDOR,
    VERSION_HEADER,
    count_target,
    model_body,
    models_body,
)


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("", b"/v1/messages"),
        ("/v1", b"/v1/messages"),
        ("/v1/", b"/v1/messages"),
        ("/anthropic", b"/anthropic/v1/messages"),
        ("/anthropic/v1", b"/anthropic/v1/messages"),
    ],
)
def test_the_version_is_in_the_path_once(base: str, path: bytes) -> None:
    assert MESSAGES_VENDOR.target(base, "m", stream=False) == path
    assert MESSAGES_VENDOR.target(base, "m", stream=True) == path
    assert count_target(base) == path + b"/count_tokens"


def test_headers() -> None:
    assert MESSAGES_VENDOR.key("k") == (b"x-api-key", b"k")
    assert VERSION_HEADER == (b"anthropic-version", b"2023-06-01")
    assert VERSION_HEADER[0] in CLIENT_HEADERS
    assert MESSAGES_CLIENT.name == MESSAGES_VENDOR.name == "anthropic.messages"


def test_each_stream_has_its_own_reader_and_meter() -> None:
    assert MESSAGES_VENDOR.reader() is not MESSAGES_VENDOR.reader()
    assert MESSAGES_VENDOR.meter(keeps_usage=True) is not MESSAGES_VENDOR.meter(keeps_usage=True)


def test_models_are_listed_in_order() -> None:
    found = json.loads(models_body([("b", "openai"), ("a", "anthropic")]))
    assert [each["id"] for each in found["data"]] == ["b", "a"]
    assert (found["has_more"], found["first_id"], found["last_id"]) == (False, "b", "a")
    assert found["data"][0] == json.loads(model_body("b", "openai"))
    assert found["data"][0] == {
        "type": "model",
        "id": "b",
        "display_name": "b",
        "created_at": "1970-01-01T00:00:00Z",
    }


def test_a_list_of_no_models() -> None:
    assert json.loads(models_body([])) == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }
