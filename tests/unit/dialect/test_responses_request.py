import json
from typing import Any

import pytest

from pai.budget.estimate import InputShape
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.responses import PATHS_OF_STORED_STATE, RESPONSES_CLIENT, ResponsesReading
from pai.dialect.sides import Call, ClientSide, Reading

PIXEL = "data:image/png;base64,iVBORw0KGgo="
FUNCTION = {"type": "function", "name": "look", "parameters": {"type": "object"}}


def read(**fields: Any) -> ResponsesReading:
    return RESPONSES_CLIENT.read(Call(json.dumps({"model": "m", "input": "hi", **fields}).encode()))


def sent_to_vendor(reading: ResponsesReading, model: str = "n", cap: int = 100) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(reading.body_for(model, cap, "max_tokens"))
    return body


def test_it_is_a_client_side() -> None:
    client: ClientSide = RESPONSES_CLIENT
    reading: Reading = read()
    assert client.name == "openai.responses"
    assert (reading.answers, reading.wants_usage) == (1, True)
    assert client.stream_type(reading) == b"text/event-stream; charset=utf-8"


def test_what_routing_needs_is_read() -> None:
    reading = read(stream=True, max_output_tokens=50)
    assert (reading.model, reading.stream, reading.cap) == ("m", True, 50)
    plain = RESPONSES_CLIENT.read(Call(b'{"input": "hi"}'))
    assert (plain.model, plain.stream, plain.cap) == (None, False, None)


@pytest.mark.parametrize(("own", "sent"), [(None, 100), (50, 50), (500, 100)])
def test_the_cap_is_lowered_or_added(own: int | None, sent: int) -> None:
    body = sent_to_vendor(read(max_output_tokens=own))
    assert body == {"model": "n", "input": "hi", "max_output_tokens": sent}


def test_all_else_goes_byte_for_byte() -> None:
    odd = b'{"model":"a","model":"m", "input":[ {"role":"user","content":"\\u00e9"} ], "zz": 1e2}'
    reading = RESPONSES_CLIENT.read(Call(odd))
    assert reading.model == "m"
    assert reading.body_for("n", 5, "") == (
        b'{"model":"n","input":[ {"role":"user","content":"\\u00e9"} ],"zz":1e2,'
        b'"max_output_tokens":5}'
    )


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, ""),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"previous_response_id": None, "conversation": None, "prompt": None}, ""),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"background": False}, ""),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "item_reference"),
        ({"input": [{"id": "msg_1"}]}, "item_reference"),
        ({"input": [{"role": "user", "content": "hi"}]}, ""),
    ],
)
def test_stored_state_is_flagged_and_can_not_be_bounded(fields: dict[str, Any], state: str) -> None:
    reading = read(**fields)
    assert reading.stored_state == state
    assert reading.shape.unbounded == (1 if state else 0)


def test_nothing_is_made_in_the_background() -> None:
    with pytest.raises(UnsupportedError, match="background: false") as caught:
        read(background=True)
    assert caught.value.param == "background"


def shape(**fields: Any) -> InputShape:
    return read(**fields).shape


def length(**fields: Any) -> int:
    return len(json.dumps({"model": "m", "input": "hi", **fields}))


def test_text_counts_by_the_bytes_of_the_body() -> None:
    assert shape() == InputShape(length(), messages=1)
    items = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "yes"}, "no"]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "function_call_output", "call_id": "c", "output": "done"},
    ]
    assert shape(input=items) == InputShape(length(input=items), messages=4)


def test_images_count_apart_and_inline_ones_not_as_text() -> None:
    items = [
        {"role": "user", "content": [{"type": "input_image", "image_url": PIXEL}]},
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [{"type": "input_image", "image_url": "https://x.test/a.png"}],
        },
        {
            "type": "computer_call_output",
            "output": {"type": "computer_screenshot", "image_url": PIXEL},
        },
    ]
    text = length(input=items) - 2 * len(PIXEL)
    assert shape(input=items) == InputShape(text, messages=3, images=3)


@pytest.mark.parametrize(
    "item",
    [
        {"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
    ],
)
def test_what_the_vendor_looks_up_has_no_bound(item: dict[str, Any]) -> None:
    assert shape(input=[item]).unbounded == 1


def test_tools_are_counted_and_the_vendors_own_have_no_bound() -> None:
    space = {"type": "namespace", "name": "n", "tools": [FUNCTION, FUNCTION]}
    assert shape(tools=[FUNCTION, {"type": "custom", "name": "c"}]).tools == 2
    assert shape(tools=[space]).tools == 3
    assert shape(tools=[FUNCTION, space]).unbounded == 0
    more = [{"type": "additional_tools", "role": "developer", "tools": [FUNCTION]}]
    assert shape(input=more, tools=[FUNCTION]).tools == 2
    assert shape(tools=[{"type": "web_search"}, {"type": "mcp"}]).unbounded == 2
    assert shape(context_management=[{"type": "compaction"}]).unbounded == 1


def test_a_translation_is_spared_what_it_leaves_out() -> None:
    search = {"type": "web_search", "external_web_access": True}
    finder = {"type": "tool_search", "execution": "client", "parameters": {}}
    reading = read(
        tools=[search, finder],
        context_management=[{"type": "compaction"}],
        input=[
            {"type": "reasoning", "id": "rs_1"},
            {"role": "user", "content": [{"type": "input_file", "file_data": "AA"}]},
        ],
    )
    assert reading.shape.unbounded == 4
    assert reading.translated_shape.unbounded == 1
    assert reading.translated_shape.parts()[:-1] == reading.shape.parts()[:-1]
    assert shape(tools=[finder]).unbounded == 0


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"[]", None),
        (b"{", None),
        (b'{"input": NaN}', None),
        (b'{"input": "\xff"}', None),
        (b"[" * 100_000, None),
        (b'{"max_output_tokens": 0}', "max_output_tokens"),
        (b'{"model": 3}', "model"),
        (b'{"input": 3}', "input"),
        (b'{"input": [3]}', "input"),
        (b'{"input": [{"content": [3]}]}', "input"),
        (b'{"input": [{"output": {"type": 1}}]}', "input"),
        (b'{"Model": "other"}', "Model"),
        (b'{"PROMPT": {"id": "p"}}', "PROMPT"),
        (b'{"models": ["other"]}', "models"),
        (b'{"preset": "x"}', "preset"),
    ],
)
def test_what_is_not_of_the_shape_is_refused(body: bytes, param: str | None) -> None:
    with pytest.raises(BadRequestError) as caught:
        RESPONSES_CLIENT.read(Call(body))
    assert caught.value.param == param


def test_fields_that_would_be_refused_may_be_null() -> None:
    assert read(models=None, preset=None, future=1).fields["future"] is not None


def test_the_paths_of_stored_state() -> None:
    assert PATHS_OF_STORED_STATE == (b"/conversations", b"/responses")
