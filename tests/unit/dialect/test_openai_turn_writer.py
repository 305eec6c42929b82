from typing import Any

import pytest

from pai.dialect.conversation import (
    Conversation,
    Media,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from pai.dialect.openai.turn_writer import Messages
from pai.dialect.refused import UnsupportedError

PNG = Media(sort="image", media_type="image/png", data="AAAA")
URL = "data:image/png;base64,AAAA"


def user(*parts: Part, model: str = "gpt-4o") -> list[dict[str, Any]]:
    return Messages(model).write(Conversation(turns=(Turn("user", parts),)))


def assistant(*parts: Part, model: str = "gpt-4o") -> list[dict[str, Any]]:
    return Messages(model).write(Conversation(turns=(Turn("assistant", parts),)))


def test_users_say_text_and_show_things() -> None:
    assert user(Text(text="a")) == [{"role": "user", "content": "a"}]
    assert user(Text(text="a"), Text(text="b"))[0]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    shown = user(
        PNG,
        Media(sort="image", url="https://a/b.png", detail="low"),
        Media(sort="audio", media_type="audio/mpeg", data="BBBB"),
        Media(sort="audio", media_type="audio/x-wav", data="BBBB"),
        Media(sort="file", media_type="application/pdf", data="CCCC"),
        Media(sort="file", media_type="application/pdf", data="CCCC", name="c.pdf"),
    )
    pdf = "data:application/pdf;base64,CCCC"
    assert shown[0]["content"] == [
        {"type": "image_url", "image_url": {"url": URL}},
        {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
        {"type": "file", "file": {"filename": "document.pdf", "file_data": pdf}},
        {"type": "file", "file": {"filename": "c.pdf", "file_data": pdf}},
    ]


def test_tool_results_come_first_and_their_pictures_after_them() -> None:
    written = user(
        Text(text="and?"),
        ToolResult(id="c1", parts=(Text(text="one"), Text(text="two"))),
        ToolResult(id="c2", parts=(PNG,)),
        ToolResult(id="c3", parts=(Text(text="no such file"),), failed=True),
        ToolResult(id="c4"),
    )
    assert written == [
        {"role": "tool", "tool_call_id": "c1", "content": "one\n\ntwo"},
        {"role": "tool", "tool_call_id": "c2", "content": "See the next message."},
        {"role": "tool", "tool_call_id": "c3", "content": "Error: no such file"},
        {"role": "tool", "tool_call_id": "c4", "content": ""},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What tool call c2 gave besides text:"},
                {"type": "image_url", "image_url": {"url": URL}},
                {"type": "text", "text": "and?"},
            ],
        },
    ]
    assert user(ToolResult(id="c1"))[1:] == []


def test_the_models_own_turns() -> None:
    call = ToolCall(id="c1", name="look", arguments='{"a":1}')
    patch = ToolCall(id="c2", name="patch", arguments="*** x", free_form=True)
    assert assistant(Text(text="a"), Text(text="b"), call, patch) == [
        {
            "role": "assistant",
            "content": "a\n\nb",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{"a":1}'},
                },
                {
                    "id": "c2",
                    "type": "function",
                    "function": {"name": "patch", "arguments": '{"input":"*** x"}'},
                },
            ],
        }
    ]
    assert assistant(call)[0]["content"] is None
    assert assistant(Thinking(text="hm")) == []


CALL = ToolCall(id="c1", name="look")
SIGNED = ToolCall(id="c2", name="look", seal="s", vendor="gemini")
CLAUDE = Thinking(text="hm", seal="s", vendor="anthropic")


def test_seals_go_back_to_their_own_vendor_only() -> None:
    detail = {
        "type": "reasoning.text",
        "index": 0,
        "format": "anthropic-claude-v1",
        "text": "hm",
        "signature": "s",
    }
    assert assistant(CLAUDE, CALL, model="anthropic/claude")[0]["reasoning_details"] == [detail]
    for model in ("gpt-4o", "openai/gpt-5", "google/gemini-3"):
        assert assistant(CLAUDE, CALL, model=model)[0].keys() == {"role", "content", "tool_calls"}
    own = Thinking(text="hm", seal="e", vendor="openai")
    written = assistant(own, CALL, model="openai/gpt-5")[0]["reasoning_details"]
    assert written[0]["data"] == "e"
    assert "text" not in written[0]


def test_gemini_gets_its_signatures_back() -> None:
    thought = Thinking(text="hm", seal="t", vendor="gemini")
    routed = assistant(thought, CALL, SIGNED, model="google/gemini-3")[0]
    assert [each.get("id") for each in routed["reasoning_details"]] == [None, "c2"]
    assert [each["index"] for each in routed["reasoning_details"]] == [0, 1]
    direct = assistant(CALL, SIGNED, CALL, model="gemini-3-pro")[0]["tool_calls"]
    google = [each.get("extra_content", {}).get("google") for each in direct]
    assert google == [
        {"thought_signature": "skip_thought_signature_validator"},
        {"thought_signature": "s"},
        None,
    ]


def test_models_that_want_their_thoughts_back_get_them() -> None:
    written = assistant(Thinking(text="hm"), CALL, model="deepseek-chat")[0]
    assert written["reasoning_content"] == "hm"
    assert assistant(CALL, model="deepseek-chat")[0]["reasoning_content"] == ""
    silent = assistant(Thinking(text="hm"), Text(text="a"), model="deepseek-chat")[0]
    assert "reasoning_content" not in silent
    assert "reasoning_content" not in assistant(Thinking(text="hm"), CALL)[0]


def test_cache_marks_are_named_or_kept() -> None:
    writer = Messages("gpt-4o")
    marked = (Text(text="a", cache=True),)
    writer.write(Conversation(turns=(Turn("assistant", marked),)))
    assert writer.dropped == {"cache_control"}
    kept = user(*marked, model="anthropic/claude")[0]["content"]
    assert kept == [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]


@pytest.mark.parametrize(
    "part",
    [
        Media(sort="image", file_id="f"),
        Media(sort="image"),
        Media(sort="video", media_type="video/mp4", data="A"),
        Media(sort="file", url="https://a/b.pdf"),
        Media(sort="audio", url="https://a/b.mp3"),
        CALL,
    ],
)
def test_what_the_api_has_no_place_for_is_refused(part: Part) -> None:
    with pytest.raises(UnsupportedError) as caught:
        user(part)
    assert caught.value.param == "messages"


def test_the_model_shows_nothing_in_its_own_turns() -> None:
    with pytest.raises(UnsupportedError):
        assistant(PNG)
