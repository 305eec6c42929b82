from typing import Any

import pytest
from tests.unit.dialect.gemini_calls import USER, content, meaning, request

from pai.dialect.conversation import Media, Part, Text, Thinking, ToolCall, ToolResult
from pai.dialect.gemini.seals import open_signature, signature_of
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.seal import sealed_id

CALL: dict[str, Any] = {"functionCall": {"id": "call_1", "name": "f", "args": {"a": 1}}}


def parts(*given: dict[str, Any], role: str = "user") -> tuple[Part, ...]:
    return meaning(content(role, *given)).turns[0].parts


def test_one_speakers_contents_are_one_turn() -> None:
    talk = meaning(
        content("user", {"text": "a"}),
        {"parts": {"text": "b"}},
        content("model", {"text": "c"}),
        content("function", {"functionResponse": {"name": "f", "response": {"x": 1}}}),
    )
    assert [each.role for each in talk.turns] == ["user", "assistant", "user"]
    assert talk.turns[0].parts == (Text(text="a"), Text(text="b"))


def test_the_pieces_of_a_stream_are_put_together_again() -> None:
    own: list[dict[str, Any]] = [
        {"text": "h", "thought": True},
        {"text": "m", "thought": True},
        {"text": "", "thought": True, "thoughtSignature": signature_of(_anthropic("S"))},
        {"text": "Hel"},
        {"text": "lo"},
        CALL,
        {"text": ""},
    ]
    talk = meaning(USER, *[content("model", each) for each in own])
    assert talk.turns[1].parts == (
        Thinking(text="hm", seal="S", vendor="anthropic"),
        Text(text="Hello"),
        ToolCall(id="call_1", name="f", arguments='{"a": 1}'),
    )


def _anthropic(seal: str) -> Thinking:
    return Thinking(seal=seal, vendor="anthropic")


def test_geminis_own_seals_stay_with_what_they_seal() -> None:
    own: list[dict[str, Any]] = [
        {"text": "hm", "thought": True},
        {"text": "Hello", "thoughtSignature": "AAAA"},
        {"text": "again"},
        {**CALL, "thoughtSignature": "BBBB"},
        {"thoughtSignature": "CCCC"},
    ]
    assert meaning(USER, content("model", *own)).turns[1].parts == (
        Thinking(text="hm"),
        Text(text="Hello"),
        Thinking(seal="AAAA", vendor="gemini", hidden=True),
        Text(text="again"),
        ToolCall(id="call_1", name="f", arguments='{"a": 1}', seal="BBBB", vendor="gemini"),
        Thinking(seal="CCCC", vendor="gemini", hidden=True),
    )


def test_an_empty_thought_says_nothing() -> None:
    found = meaning(USER, content("model", {"text": "", "thought": True}, {"text": "x"}))
    assert found.turns[1].parts == (Text(text="x"),)


def test_seals_of_others_survive_both_alphabets_and_lost_padding() -> None:
    seal = "\u00ff\u00fe>>>???~~~"
    packed = signature_of(Thinking(seal=seal, vendor="openai"))
    assert open_signature(packed) == ("openai", seal)
    assert open_signature(packed.replace("+", "-").replace("/", "_").rstrip("=")) == (
        "openai",
        seal,
    )
    assert signature_of(Thinking(seal="own", vendor="gemini")) == "own"
    for strange in ("", "not base64!", "AAAA", "cGFpLXNlYWw6eDp5", "cGFpLXNlYWw6b3BlbmFpOv8="):
        assert open_signature(strange) == ("gemini", strange)


def test_calls_without_ids_get_the_same_ones_however_far_the_talk_has_come() -> None:
    call = {"functionCall": {"name": "get weather"}}
    answer = {"functionResponse": {"name": "get weather", "response": {"output": "sunny"}}}
    contents = [USER, content("model", call, call), content("user", answer, answer)]
    turns = meaning(*contents, USER).turns
    assert turns[:2] == meaning(*contents[:2]).turns
    calls = [each for each in turns[1].parts if isinstance(each, ToolCall)]
    results = [each for each in turns[2].parts if isinstance(each, ToolResult)]
    assert [each.id for each in calls] == ["call_1_0_get_weather", "call_1_1_get_weather"]
    assert [each.id for each in results] == [each.id for each in calls]
    assert calls[0].arguments == "{}"


def test_results_find_their_calls_by_id_then_by_name() -> None:
    calls = [
        {"functionCall": {"id": sealed_id("a", "gemini", "SEAL"), "name": "f"}},
        {"functionCall": {"id": "b", "name": "f"}},
    ]
    answers = [
        {"functionResponse": {"id": "b", "name": "f", "response": {}}},
        {"functionResponse": {"name": "f", "response": {}}},
        {"functionResponse": {"name": "g", "response": {}}},
        {"functionResponse": {"id": "z", "response": {}}},
    ]
    turns = meaning(USER, content("model", *calls), content("user", *answers)).turns
    first = turns[1].parts[0]
    assert isinstance(first, ToolCall)
    assert (first.id, first.seal, first.vendor) == ("a", "SEAL", "gemini")
    assert [each.id for each in turns[2].parts if isinstance(each, ToolResult)] == [
        "b",
        "a",
        "call_g",
        "z",
    ]


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"output": "sunny"}, "sunny", False),
        ({"result": {"t": 20}}, '{"t": 20}', False),
        ({"error": "no"}, "no", True),
        ({"error": "no", "code": 1}, '{"error":"no","code":1}', False),
        ({"t": 20}, '{"t":20}', False),
    ],
)
def test_a_result_is_the_text_of_its_object(response: Any, text: str, failed: bool) -> None:
    (result,) = parts({"functionResponse": {"name": "f", "response": response}})
    assert isinstance(result, ToolResult)
    assert (result.parts, result.failed, result.name) == ((Text(text=text),), failed, "f")


def test_a_result_may_be_empty_or_hold_media() -> None:
    (empty,) = parts({"functionResponse": {"name": "f"}})
    assert isinstance(empty, ToolResult)
    assert empty.parts == ()
    shown = [
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"fileData": {"fileUri": "https://x/y.pdf"}},
        {},
    ]
    (result,) = parts({"functionResponse": {"name": "f", "response": {}, "parts": shown}})
    assert isinstance(result, ToolResult)
    assert result.parts == (
        Media(sort="image", media_type="image/png", data="AAAA"),
        Media(sort="file", media_type="application/pdf", url="https://x/y.pdf"),
    )


def test_media_inline_and_of_the_web() -> None:
    assert parts(
        {"inlineData": {"mimeType": "image/png", "data": "_-8", "displayName": "a.png"}},
        {"inline_data": {"mime_type": "audio/wav", "data": "AAAA"}},
        {"fileData": {"fileUri": "https://x/y.mp4", "mimeType": "video/mp4"}},
        {"fileData": {"fileUri": "https://x/y"}},
    ) == (
        Media(sort="image", media_type="image/png", data="/+8=", name="a.png"),
        Media(sort="audio", media_type="audio/wav", data="AAAA"),
        Media(sort="video", media_type="video/mp4", url="https://x/y.mp4"),
        Media(sort="file", url="https://x/y"),
    )


@pytest.mark.parametrize(
    "part",
    [
        {"fileData": {"fileUri": "gs://bucket/x", "mimeType": "image/png"}},
        {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x"}},
        {"executableCode": {"code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        {},
        {"fileData": {"fileUri": "https://x/y"}, "videoMetadata": {"fps": 1}},
    ],
)
def test_what_only_google_has_is_refused_when_translated(part: dict[str, Any]) -> None:
    asked = request(content("user", part))
    with pytest.raises(UnsupportedError):
        asked.meaning()


@pytest.mark.parametrize(
    "contents",
    [
        [],
        [content("user")],
        [content("user", {"text": ""})],
        [content("robot", {"text": "x"})],
        [content("user", {"inlineData": {"data": "AAAA"}})],
        [content("model", {"functionCall": {"args": {}}})],
        [content("user", {"functionResponse": {"response": {}}})],
        [content("user", {"functionResponse": {"name": "f", "response": "text"}})],
    ],
)
def test_what_is_out_of_shape_is_refused(contents: list[Any]) -> None:
    with pytest.raises(BadRequestError):
        request(contents=contents).meaning()


def test_advice_about_parts_is_named() -> None:
    part = {"text": "x", "mediaResolution": {"level": "LOW"}, "partMetadata": {"some_key": 1}}
    assert meaning(content("user", part)).advisory == ("mediaResolution", "partMetadata")
