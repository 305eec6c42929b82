import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.budget.estimate import InputShape
from pai.dialect.anthropic import MESSAGES_CLIENT, count_answer, read_count, read_count_answer
from pai.dialect.anthropic.request import MessagesRequest, read_request
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.sides import Call

MESSAGES = [{"role": "user", "content": "hi"}]


def body(**fields: Any) -> bytes:
    return json.dumps({"messages": MESSAGES, **fields}).encode()


def sent(request: MessagesRequest, cap: int) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(request.body_for("m", cap, ""))
    return written


def test_nothing_changes_but_model_and_cap() -> None:
    given = b'{"model":"x", "temperature": 1.50,"big":123456789012345678901234567890,"e":1E+2 }'
    assert read_request(given).body_for("vendor-model", 10, "max_tokens") == (
        b'{"model":"vendor-model","temperature":1.50,'
        b'"big":123456789012345678901234567890,"e":1E+2,"max_tokens":10}'
    )


def test_a_lower_cap_of_the_clients_own_stays() -> None:
    request = read_request(body(max_tokens=5, model="x"))
    assert (request.cap, request.answers, request.wants_usage) == (5, 1, True)
    assert sent(request, 10)["max_tokens"] == 5
    assert sent(request, 3)["max_tokens"] == 3


@pytest.mark.parametrize(
    ("cap", "thinking"),
    [
        (9_001, {"type": "enabled", "budget_tokens": 9_000, "display": "omitted"}),
        (9_000, {"type": "enabled", "budget_tokens": 4_500, "display": "omitted"}),
        (1_500, {"type": "enabled", "budget_tokens": 1_024, "display": "omitted"}),
        (1_024, {"type": "disabled"}),
    ],
)
def test_thinking_fits_below_a_lowered_cap(cap: int, thinking: dict[str, Any]) -> None:
    wish = {"type": "enabled", "budget_tokens": 9_000, "display": "omitted"}
    assert sent(read_request(body(max_tokens=20_000, thinking=wish)), cap)["thinking"] == thinking


def test_thinking_beside_the_clients_own_cap_is_the_clients() -> None:
    wish = {"type": "enabled", "budget_tokens": 9_000}
    assert sent(read_request(body(max_tokens=5_000, thinking=wish)), 6_000)["thinking"] == wish
    adaptive = read_request(body(max_tokens=5_000, thinking={"type": "adaptive"}))
    assert sent(adaptive, 100)["thinking"] == {"type": "adaptive"}


def test_the_last_of_two_models_is_the_one_looked_at_and_sent() -> None:
    request = read_request(b'{"model":"allowed","messages":[],"model":"other"}')
    assert request.model == "other"
    assert request.body_for("other", 1, "").count(b'"model"') == 1


@pytest.mark.parametrize("name", ["Model", "MAX_TOKENS", "Fallbacks", "Stream"])
def test_names_that_some_servers_take_for_ours_are_refused(name: str) -> None:
    with pytest.raises(BadRequestError, match="write") as refused:
        read_request(body(**{name: 1}))
    assert refused.value.param == name


def test_another_model_can_not_be_asked_for_in_passing() -> None:
    with pytest.raises(BadRequestError, match="another model") as refused:
        read_request(body(fallbacks=[{"model": "claude-opus-5"}]))
    assert refused.value.param == "fallbacks"
    assert read_request(body(fallbacks=None)).model is None
    with pytest.raises(BadRequestError, match="another model"):
        read_request(body(tools=[{"type": "advisor_20260301", "model": "claude-opus-5"}]))


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"[]",
        b'{"messages":',
        b'{"a":NaN}',
        b'{"messages":[{"content":5}]}',
        b'{"max_tokens":-1}',
        b'{"max_tokens":"7"}',
        b'{"max_tokens":99999999999}',
        b'{"model":7}',
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    ],
)
def test_bad_bodies_are_refused(given: bytes) -> None:
    with pytest.raises(BadRequestError):
        read_request(given)


def test_the_field_at_fault_is_named() -> None:
    with pytest.raises(BadRequestError) as refused:
        MESSAGES_CLIENT.read(Call(b'{"max_tokens":"7"}'))
    assert refused.value.param == "max_tokens"


def test_a_request_that_only_fills_the_cache_has_no_meaning_elsewhere() -> None:
    request = read_request(body(max_tokens=0))
    assert sent(request, 100)["max_tokens"] == 0
    with pytest.raises(UnsupportedError) as refused:
        request.meaning()
    assert refused.value.param == "max_tokens"


def test_a_count_is_asked_for_without_a_cap() -> None:
    request = read_count(body(model="x", system="s"))
    assert json.loads(request.count_body_for("m")) == {
        "messages": MESSAGES,
        "model": "m",
        "system": "s",
    }
    assert request.model == "x"
    assert request.shape.messages == 1
    assert request.meaning().system[0].text == "s"


@pytest.mark.parametrize(
    ("given", "count"),
    [
        (count_answer(42), 42),
        (b'{"input_tokens":0,"more":{}}', 0),
        (b'{"input_tokens":-1}', None),
        (b'{"input_tokens":"7"}', None),
        (b'{"input_tokens":1.5}', None),
        (b'{"input_tokens":99999999999999999}', None),
        (b"{}", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_a_count_is_read_where_it_can_be_true(given: bytes, count: int | None) -> None:
    assert read_count_answer(given) == count


@given(
    st.dictionaries(
        st.text(max_size=8).map(lambda key: "x_" + key),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=10),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
        max_size=5,
    )
)
def test_other_fields_pass_unchanged(fields: dict[str, Any]) -> None:
    out = sent(read_request(body(**fields)), 7)
    assert out == {"messages": MESSAGES, **fields, "model": "m", "max_tokens": 7}


def image(**source: Any) -> dict[str, Any]:
    return {"type": "image", "source": source}


def document(**source: Any) -> dict[str, Any]:
    return {"type": "document", "source": source}


TEXT = {"type": "text", "text": "t"}
PICTURE = image(type="base64", media_type="image/png", data="A" * 1_000)


@pytest.mark.parametrize(
    ("content", "images", "inline", "unbounded"),
    [
        ("text", 0, 0, 0),
        ([TEXT, {"type": "thinking", "thinking": "x", "signature": "y"}], 0, 0, 0),
        ([PICTURE], 1, 1_000, 0),
        ([image(type="url", url="https://x/y.png")], 1, 0, 0),
        ([image(type="file", file_id="file_1")], 0, 0, 1),
        ([{"type": "tool_result", "tool_use_id": "t", "content": [PICTURE, TEXT]}], 1, 1_000, 0),
        ([{"type": "tool_result", "tool_use_id": "t", "content": "x"}], 0, 0, 0),
        ([{"type": "tool_use", "id": "t", "name": "f", "input": {"type": "image"}}], 0, 0, 0),
        ([document(type="base64", media_type="application/pdf", data="AA")], 0, 0, 1),
        ([document(type="url", url="https://x/y.pdf")], 0, 0, 1),
        ([document(type="text", media_type="text/plain", data="hello")], 0, 0, 0),
        ([document(type="content", content=[PICTURE, TEXT])], 1, 1_000, 0),
        ([document(type="content", content="x")], 0, 0, 0),
        ([{"type": "image"}], 0, 0, 1),
        ([{"type": "search_result", "source": "s", "title": "t", "content": [TEXT]}], 0, 0, 0),
        ([{"type": "container_upload", "file_id": "f"}], 0, 0, 1),
        ([{"type": "web_fetch_tool_result", "content": {"type": "x"}}], 0, 0, 1),
    ],
)
def test_what_of_the_content_costs(content: Any, images: int, inline: int, unbounded: int) -> None:
    given = body(messages=[{"role": "user", "content": content}])
    shape = read_request(given).shape
    assert shape == InputShape(len(given) - inline, 1, 0, images, unbounded)


@pytest.mark.parametrize(
    ("fields", "tools", "unbounded"),
    [
        ({"tools": [{"name": "f", "input_schema": {}}, {"type": "custom", "name": "g"}]}, 2, 0),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, 128, 0),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, 0, 1),
        ({"tools": [{"type": "computer_toolset_20260801"}]}, 0, 1),
        ({"tools": None, "mcp_servers": [], "container": None}, 0, 0),
        ({"mcp_servers": [{"url": "https://x"}]}, 0, 1),
        ({"container": "c_1"}, 0, 1),
        ({"compaction": {}}, 0, 1),
        ({"context_management": {"edits": [{"type": "clear_thinking_20251015"}]}}, 0, 0),
        ({"context_management": {"edits": [{"type": "compact_20260112"}]}}, 0, 1),
    ],
)
def test_what_of_the_other_fields_costs(fields: dict[str, Any], tools: int, unbounded: int) -> None:
    shape = read_request(body(**fields)).shape
    assert (shape.tools, shape.unbounded) == (tools, unbounded)


def test_threads_are_refused_so_that_sdks_go_on_without() -> None:
    for thread in ({"type": "create"}, {"type": "continue", "previous_message_id": "m"}, True):
        with pytest.raises(UnsupportedError) as caught:
            read_request(body(thread=thread))
        status, told = MESSAGES_CLIENT.error(
            caught.value.refused, caught.value.message, caught.value.param
        )
        assert status == 400
        details = json.loads(told)["error"]["details"]
        assert details == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
    for nothing in (None, False):
        assert read_request(body(thread=nothing)).shape.unbounded == 0
