import json
from typing import Any

import pytest
from tests.unit.dialect.gemini_calls import SSE, USER, read, request, sent

from pai.budget.estimate import InputShape
from pai.dialect.refused import BadRequestError


def test_a_request_is_read_as_far_as_it_matters() -> None:
    found = request(generationConfig={"maxOutputTokens": 50, "candidateCount": 2})
    assert (found.model, found.cap, found.answers, found.stream) == ("fast", 50, 2, False)
    assert found.wants_usage
    plain = request()
    assert (plain.cap, plain.answers) == (None, 1)


@pytest.mark.parametrize(
    ("method", "query", "stream", "sse"),
    [
        ("generateContent", {}, False, False),
        ("streamGenerateContent", {}, True, False),
        ("streamGenerateContent", SSE, True, True),
        ("streamGenerateContent", {"alt": "json"}, True, False),
    ],
)
def test_path_and_query_say_whether_it_is_a_stream(
    method: str, query: dict[str, str], stream: bool, sse: bool
) -> None:
    found = request(method=method, query=query)
    assert (found.stream, found.sse) == (stream, sse)


@pytest.mark.parametrize("config", ["generationConfig", "generation_config"])
@pytest.mark.parametrize("cap", ["maxOutputTokens", "max_output_tokens"])
def test_the_spelling_that_the_client_used_is_the_one_that_is_lowered(
    config: str, cap: str
) -> None:
    given: dict[str, Any] = {config: {cap: 500, "temperature": 1}}
    found = request(**given)
    assert found.cap == 500
    body = sent(found.body_for("gemini-2.5-pro", 80, "max_tokens"))
    assert body == {"contents": [USER], config: {cap: 80, "temperature": 1}}
    assert sent(found.body_for("m", 900, ""))[config][cap] == 500


def test_a_missing_cap_is_put_in() -> None:
    assert sent(request().body_for("m", 80, ""))["generationConfig"] == {"maxOutputTokens": 80}
    null = request(generationConfig=None)
    assert sent(null.body_for("m", 80, ""))["generationConfig"] == {"maxOutputTokens": 80}
    snake = request(generation_config={"maxOutputTokens": None})
    assert sent(snake.body_for("m", 80, ""))["generation_config"] == {"maxOutputTokens": 80}


def test_the_model_stands_in_the_path_only() -> None:
    found = request(model="models/expensive")
    assert found.model == "fast"
    assert "model" not in sent(found.body_for("m", 80, ""))


def test_other_fields_pass_byte_for_byte() -> None:
    pieces = (b'[ {"parts" : [{"text":"\\u00e9"}]} ]', b"[ 1e2 ]", b'{"a":  1}')
    body = b'{"contents":%b,"safetySettings":%b,"new":%b}' % pieces
    passed = read(body).body_for("m", 5, "")
    for piece in pieces:
        assert piece in passed


def test_of_a_name_that_is_given_twice_the_last_value_counts_and_is_sent() -> None:
    body = (
        b'{"contents":[],"generationConfig":{"maxOutputTokens":1},'
        b'"generationConfig":{"maxOutputTokens":9,"maxOutputTokens":70}}'
    )
    found = read(body)
    assert found.cap == 70
    passed = found.body_for("m", 100, "")
    assert passed == b'{"contents":[],"generationConfig":{"maxOutputTokens":70}}'


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"generationConfig": {}, "generation_config": {}}, "generationConfig"),
        ({"generationConfig": None, "generation_config": {}}, "generationConfig"),
        ({"generationConfig": {"maxOutputTokens": 1, "max_output_tokens": 9}}, "maxOutputTokens"),
        ({"generationConfig": {"candidateCount": 1, "candidate_count": 9}}, "candidateCount"),
        ({"GenerationConfig": {"maxOutputTokens": 9}}, "GenerationConfig"),
        ({"generationConfig": {"MaxOutputTokens": 9}}, "MaxOutputTokens"),
        ({"generationConfig": {"max_OutputTokens": 9}}, "max_OutputTokens"),
        ({"Contents": []}, "Contents"),
        ({"generationConfig": {"maxOutputTokens": 0}}, "maxOutputTokens"),
        ({"generationConfig": {"maxOutputTokens": -5}}, "maxOutputTokens"),
        ({"generationConfig": {"maxOutputTokens": "9"}}, "maxOutputTokens"),
        ({"generationConfig": {"maxOutputTokens": 2**40}}, "maxOutputTokens"),
        ({"generationConfig": {"candidateCount": 10**6}}, "candidateCount"),
        ({"generationConfig": []}, "generationConfig"),
        ({"generationConfig": {"routingConfig": {"autoMode": {}}}}, "routingConfig"),
        ({"generationConfig": {"model_selection_config": {}}}, "model_selection_config"),
        ({"tools": [{"functionDeclarations": 5}]}, "tools"),
    ],
)
def test_what_could_slip_past_is_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        request(**fields)
    assert caught.value.param == param


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"contents":NaN}',
        b'{"contents":"\xff"}',
        b'{"contents":' + b"[" * 10_000,
        b'{"contents":"text"}',
        b'{"contents":[{"parts":"text"}]}',
    ],
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError):
        read(body)


def _shape(*parts: Any, **fields: Any) -> InputShape:
    return request({"role": "user", "parts": list(parts)}, **fields).shape


@pytest.mark.parametrize("camel", [True, False])
def test_images_count_by_the_table_and_their_data_does_not(camel: bool) -> None:
    data = "A" * 4_000
    blob = {"mimeType" if camel else "mime_type": "image/png", "data": data}
    part = {"inlineData" if camel else "inline_data": blob}
    shape = _shape(part)
    assert (shape.images, shape.unbounded, shape.messages) == (1, 0, 1)
    assert shape.text_bytes < 200
    inside = {"functionResponse" if camel else "function_response": {"name": "f", "parts": [part]}}
    assert _shape(inside).images == 1


@pytest.mark.parametrize(
    "part",
    [
        {"inlineData": {"mimeType": "application/pdf", "data": "A"}},
        {"inlineData": {"mimeType": "video/mp4", "data": "A"}},
        {"inlineData": {"mimeType": "image/png", "mime_type": "audio/wav", "data": "A"}},
        {"inlineData": {"data": "A"}},
        {"fileData": {"fileUri": "https://x/y.png"}},
        {"file_data": {"file_uri": "https://x/y.png"}},
    ],
)
def test_what_the_vendor_fetches_or_unpacks_has_no_bound(part: dict[str, Any]) -> None:
    assert _shape(part).unbounded == 1


def test_inline_text_counts_as_text() -> None:
    shape = _shape({"inlineData": {"mimeType": "text/plain", "data": "A" * 400}})
    assert (shape.images, shape.unbounded) == (0, 0)
    assert shape.text_bytes > 400


def test_tools_count_and_those_of_the_vendor_have_no_bound() -> None:
    tools = [
        {"functionDeclarations": [{"name": "a"}, {"name": "b"}], "googleSearch": None},
        {"function_declarations": {"name": "c"}},
    ]
    assert (request(tools=tools).shape.tools, request(tools=tools).shape.unbounded) == (3, 0)
    assert request(tools=[{"googleSearch": {}}]).shape.unbounded == 1
    assert request(tools={"brandNewTool": {}}).shape.unbounded == 1
    assert request(cachedContent="cachedContents/1").shape.unbounded == 1
    assert request(cached_content="cachedContents/1").shape.unbounded == 1


def test_one_element_may_come_without_a_list() -> None:
    body = json.dumps(
        {"contents": {"parts": {"fileData": {}}}, "system_instruction": {"parts": {"text": "x"}}}
    ).encode()
    shape = read(body).shape
    assert (shape.messages, shape.unbounded) == (1, 1)
