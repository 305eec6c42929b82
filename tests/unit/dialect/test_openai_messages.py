from typing import Any

import pytest
from tests.unit.dialect.openai_chats import USER, meaning

from pai.dialect.conversation import Media, Text, Thinking, ToolCall, ToolResult, Turn
from pai.dialect.openai import BadRequestError
from pai.dialect.refused import UnsupportedError
from pai.dialect.seal import sealed_id


def call(call_id: str = "c1", arguments: object = '{"a":1}', **more: Any) -> dict[str, Any]:
    function = {"name": "look", "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function, **more}


def assistant(**fields: Any) -> dict[str, Any]:
    return {"role": "assistant", **fields}


def said(**fields: Any) -> tuple[Any, ...]:
    """Return the parts of an assistant's turn."""
    return meaning(USER, assistant(**fields)).turns[1].parts


def test_instructions_at_the_start_are_the_conversations_own() -> None:
    talk = meaning(
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        USER,
        {"role": "system", "content": "Now be long."},
        assistant(content="ok"),
    )
    assert talk.system == (Text(text="Be brief."), Text(text="Be kind."))
    assert talk.turns == (
        Turn("user", (Text(text="hi"), Text(text="Now be long."))),
        Turn("assistant", (Text(text="ok"),)),
    )


def test_a_request_of_instructions_alone_asks_with_the_last_one() -> None:
    talk = meaning(
        {"role": "system", "content": "Be brief."}, {"role": "system", "content": "Say hi."}
    )
    assert talk.system == (Text(text="Be brief."),)
    assert talk.turns == (Turn("user", (Text(text="Say hi."),)),)


def test_a_round_of_tools_is_read() -> None:
    talk = meaning(
        USER,
        assistant(content=None, tool_calls=[call("c1"), call("c2", {"b": 2})]),
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]},
        {"role": "user", "content": "and?"},
    )
    assert talk.turns[1].parts == (
        ToolCall(id="c1", name="look", arguments='{"a":1}'),
        ToolCall(id="c2", name="look", arguments='{"b": 2}'),
    )
    assert talk.turns[2].parts == (
        ToolResult(id="c1", parts=(Text(text="one"),)),
        ToolResult(id="c2", parts=(Text(text="two"),)),
        Text(text="and?"),
    )


def test_calls_of_the_first_days_are_matched_by_name() -> None:
    function_call = {"name": "look", "arguments": ""}
    turns = meaning(
        USER,
        assistant(content=None, function_call=function_call),
        {"role": "function", "name": "look", "content": "one"},
        assistant(content=None, function_call=function_call),
        {"role": "function", "name": "look", "content": "two"},
        {"role": "function", "name": "lost", "content": "three"},
    ).turns
    first, second = turns[1].parts[0], turns[3].parts[0]
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.id != second.id
    assert first.arguments == "{}"
    assert turns[2].parts[0] == ToolResult(id=first.id, name="look", parts=(Text(text="one"),))
    assert turns[4].parts == (
        ToolResult(id=second.id, name="look", parts=(Text(text="two"),)),
        ToolResult(id="call_lost", name="lost", parts=(Text(text="three"),)),
    )


def test_a_seal_comes_back_in_the_id_beside_it_or_in_a_detail() -> None:
    sealed = sealed_id("c1", "gemini", "s1")
    google = {"extra_content": {"google": {"thought_signature": "s2"}}}
    detail = {"type": "reasoning.encrypted", "format": "google-gemini-v1", "data": "s3"}
    parts = said(
        tool_calls=[call(sealed), call("c2", **google), call("c3")],
        reasoning_details=[{**detail, "id": "c3"}],
    )
    assert [(each.id, each.seal, each.vendor) for each in parts] == [
        ("c1", "s1", "gemini"),
        ("c2", "s2", "gemini"),
        ("c3", "s3", "gemini"),
    ]
    result = {"role": "tool", "tool_call_id": sealed, "content": "x"}
    assert meaning(USER, result).turns[0].parts[1] == ToolResult(id="c1", parts=(Text(text="x"),))


def test_a_free_form_call_keeps_its_text() -> None:
    custom = {"id": "c1", "type": "custom", "custom": {"name": "patch", "input": "*** x"}}
    assert said(tool_calls=[custom]) == (
        ToolCall(id="c1", name="patch", arguments="*** x", free_form=True),
    )


def test_thoughts_stand_before_what_is_said() -> None:
    assert said(content="ok", reasoning_content="hm") == (Thinking(text="hm"), Text(text="ok"))
    assert said(content="ok", reasoning="hm") == (Thinking(text="hm"), Text(text="ok"))
    content = [{"type": "text", "text": "ok"}, {"type": "thinking", "thinking": "hm"}]
    assert said(content=content) == (Thinking(text="hm"), Text(text="ok"))
    listed = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, "ok"]
    assert said(content=listed) == (Thinking(text="hm"), Text(text="ok"))
    assert said(content=[{"type": "thinking"}]) == (Thinking(),)


def test_a_refusal_is_what_was_said() -> None:
    assert said(content=None, refusal="no") == (Text(text="no"),)
    assert said(content=[{"type": "refusal", "refusal": "no"}]) == (Text(text="no"),)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "robot", "content": "x"},
        {"role": "tool", "content": "x"},
        {"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://a"}}]},
        assistant(tool_calls=[{"id": "c1"}]),
        assistant(tool_calls=[call("")]),
        assistant(tool_calls=[{"id": "c1", "function": {"arguments": "{}"}}]),
        assistant(content=5),
        {"content": "x"},
    ],
)
def test_messages_out_of_shape_are_refused(message: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError) as caught:
        meaning(USER, message)
    assert caught.value.param == "messages"


def test_sound_by_id_is_refused() -> None:
    with pytest.raises(UnsupportedError):
        said(audio={"id": "a"})


def content(*parts: object) -> tuple[Any, ...]:
    return meaning({"role": "user", "content": parts}).turns[0].parts


def test_content_parts_are_read() -> None:
    png, pdf = "data:image/png;base64,AAAA", "data:application/pdf;base64,BBBB"
    sound = {"data": "CCCC", "format": "wav"}
    assert content(
        {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {"url": png, "detail": "low"}},
        {"type": "image_url", "image_url": "https://a/b.png"},
        {"type": "video_url", "video_url": {"url": "https://a/b.mp4"}},
        {"type": "input_audio", "input_audio": sound},
        {"type": "file", "file": {"file_data": pdf, "filename": "b.pdf"}},
        {"type": "file", "file": {"file_data": "DDDD", "filename": "b.PDF"}},
        {"type": "file", "file": {"file_data": "https://a/b.pdf"}},
        {"type": "input_text", "text": "y", "prompt_cache_breakpoint": {"mode": "explicit"}},
    ) == (
        Text(text="x", cache=True),
        Media(sort="image", media_type="image/png", data="AAAA", detail="low"),
        Media(sort="image", url="https://a/b.png"),
        Media(sort="video", url="https://a/b.mp4"),
        Media(sort="audio", media_type="audio/wav", data="CCCC"),
        Media(sort="file", media_type="application/pdf", data="BBBB", name="b.pdf"),
        Media(sort="file", media_type="application/pdf", data="DDDD", name="b.PDF"),
        Media(sort="file", url="https://a/b.pdf"),
        Text(text="y", cache=True),
    )
    bare = "data:;base64,AAAA"
    image = Media(sort="image", media_type="text/plain", data="AAAA")
    assert content({"type": "image_url", "image_url": bare}) == (image,)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "hologram", "hologram": {}},
        {},
    ],
)
def test_parts_that_no_other_vendor_has_are_refused(part: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        content(part)
    assert caught.value.param == "messages"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text"},
        {"type": "image_url"},
        {"type": "file"},
        {"type": "image_url", "image_url": {"url": "data:image/png,plain"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}},
        {"type": "image_url", "image_url": {"url": "data:"}},
        {"type": "file", "file": {"file_data": "AAAA", "filename": "x.bin"}},
    ],
)
def test_parts_out_of_shape_are_refused(part: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError) as caught:
        content(part)
    assert not isinstance(caught.value, UnsupportedError)
