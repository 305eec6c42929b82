import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.budget.estimate import InputShape
from pai.dialect.openai import BadRequestError, read_request

MESSAGES = [{"role": "user", "content": "hi"}]


def body(**fields: Any) -> bytes:
    return json.dumps({"messages": MESSAGES, **fields}).encode()


def test_nothing_changes_but_model_cap_and_usage() -> None:
    sent = b'{"model":"x", "temperature": 1.50,"big":123456789012345678901234567890,"e":1E+2 }'
    out = read_request(sent).body_for("vendor-model", 10, "max_tokens")
    assert out == (
        b'{"model":"vendor-model","temperature":1.50,'
        b'"big":123456789012345678901234567890,"e":1E+2,"max_tokens":10}'
    )


@given(
    st.dictionaries(
        st.text(max_size=8).map(lambda key: "x_" + key),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=10),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=5,
    )
)
def test_other_fields_pass_unchanged(fields: dict[str, Any]) -> None:
    out = json.loads(read_request(body(**fields)).body_for("m", 7, "max_tokens"))
    assert out == {"messages": MESSAGES, **fields, "model": "m", "max_tokens": 7}


def test_the_last_of_two_models_is_the_one_looked_at_and_sent() -> None:
    request = read_request(b'{"model":"allowed","messages":[],"model":"other"}')
    assert request.model == "other"
    assert request.body_for("other", 1, "max_tokens").count(b'"model"') == 1


def test_an_escaped_key_is_the_same_key() -> None:
    request = read_request(b'{"model":"allowed","\\u006dodel":"other"}')
    assert request.model == "other"
    assert read_request(b'{"\\u006d\\u0061x_tokens":5}').cap == 5


@pytest.mark.parametrize(
    "name", ["Model", "MODEL", "mode\N{LATIN SMALL LETTER L WITH STROKE}", "Max_Tokens"]
)
def test_keys_that_some_servers_take_for_ours_are_refused(name: str) -> None:
    sent = json.dumps({"model": "m", name: "other"}).encode()
    if name.casefold() in {"model", "max_tokens"}:
        with pytest.raises(BadRequestError) as caught:
            read_request(sent)
        assert caught.value.param == name
    else:
        assert read_request(sent).model == "m"


@pytest.mark.parametrize("name", ["max_to\N{KELVIN SIGN}ens", "\N{LATIN SMALL LETTER LONG S}tream"])
def test_unicode_twins_of_our_keys_are_refused(name: str) -> None:
    with pytest.raises(BadRequestError):
        read_request(json.dumps({name: 1}, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"a":1} x',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":01}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"\xff":1}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\x01"}',
        b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"messages":' + b'[{"content":' * 10_000 + b"1" + b"}]" * 10_000 + b"}",
        b'{"messages":{}}',
        b'{"messages":["text"]}',
        b'{"messages":[{"content":[{"type":5}]}]}',
        b'{"tools":"all"}',
    ],
)
def test_what_is_not_a_plain_json_object_is_refused(sent: bytes) -> None:
    with pytest.raises(BadRequestError):
        read_request(sent)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", 5),
        ("model", ["a"]),
        ("stream", "yes"),
        ("n", 0),
        ("n", 10_000),
        ("n", "2"),
        ("max_tokens", 0),
        ("max_tokens", -1),
        ("max_tokens", 10**18),
        ("max_completion_tokens", "5"),
        ("models", ["other"]),
        ("preset", "x"),
    ],
)
def test_a_refusal_names_the_field(field: str, value: object) -> None:
    with pytest.raises(BadRequestError) as caught:
        read_request(body(**{field: value}))
    assert caught.value.param == field


def test_the_cap_is_lowered_never_raised() -> None:
    request = read_request(body(max_tokens=50, max_completion_tokens=500))
    assert request.cap == 500
    out = json.loads(request.body_for("m", 100, "max_tokens"))
    assert (out["max_tokens"], out["max_completion_tokens"]) == (50, 100)
    assert "max_completion_tokens" not in json.loads(
        read_request(body(max_tokens=50)).body_for("m", 100, "max_completion_tokens")
    )
    null = read_request(body(max_tokens=None))
    assert null.cap is None
    assert json.loads(null.body_for("m", 100, "max_tokens"))["max_tokens"] == 100


def test_usage_is_asked_for_and_what_the_client_wanted_is_kept() -> None:
    silent = read_request(body(stream=True, stream_options={"include_obfuscation": False}))
    assert not silent.wants_usage
    assert json.loads(silent.body_for("m", 1, "max_tokens"))["stream_options"] == {
        "include_obfuscation": False,
        "include_usage": True,
    }
    assert read_request(body(stream=True, stream_options={"include_usage": True})).wants_usage
    assert "stream_options" not in json.loads(read_request(body()).body_for("m", 1, "max_tokens"))
    null = read_request(body(stream=True, stream_options=None))
    assert json.loads(null.body_for("m", 1, "max_tokens"))["stream_options"] == {
        "include_usage": True
    }


def test_inline_images_count_as_images_and_not_as_text() -> None:
    url = "data:image/png;base64," + "A" * 5000
    parts = [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": url}}]
    sent = body(messages=[{"role": "user", "content": parts}], tools=[{}, {}])
    expected = InputShape(len(sent) - len(url), messages=1, tools=2, images=1)
    assert read_request(sent).shape == expected
    linked = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
    sent = body(messages=[{"role": "user", "content": linked}])
    assert read_request(sent).shape == InputShape(len(sent), messages=1, images=1)


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "video_url"}]}]},
        {"web_search_options": {}},
        {"plugins": [{"id": "web"}]},
        {"tools": [{"type": "function"}, {"type": "custom"}, {}, {"type": "web_search"}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": "data:application/pdf;base64,AAAA"}
                    ],
                }
            ]
        },
    ],
)
def test_what_the_vendor_adds_itself_is_unbounded(fields: dict[str, Any]) -> None:
    assert read_request(body(**fields)).shape.unbounded == 1


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(sent: bytes) -> None:
    try:
        request = read_request(sent)
    except BadRequestError:
        return
    json.loads(request.body_for("m", 1, "max_tokens"))
