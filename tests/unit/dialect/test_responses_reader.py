import json
from typing import Any

import pytest

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import (
    Begun,
    Broken,
    Choice,
    Counted,
    Delta,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    Reply,
    Stop,
    TokenLogprob,
    Vectors,
)
from pai.dialect.responses import RESPONSES_VENDOR

USAGE = {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}
CREATED: dict[str, Any] = {
    "type": "response.created",
    "response": {"id": "resp_1", "model": "gpt-5", "usage": None},
}
COMPLETED: dict[str, Any] = {
    "type": "response.completed",
    "response": {"id": "resp_1", "status": "completed", "usage": USAGE},
}
THOUGHTS: dict[str, Any] = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
    "encrypted_content": "gAAA",
}
CALL: dict[str, Any] = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "look",
    "arguments": '{"a":1}',
}


def read(*events: dict[str, Any]) -> list[Event]:
    reader = RESPONSES_VENDOR.reader()
    found: list[Event] = []
    for event in events:
        data = f"event: {event.get('type')}\ndata: {json.dumps(event)}\n\n"
        found += reader.feed(data.encode())
    return found + reader.finish()


def delta(kind: str, text: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "output_index": index, "delta": text, **more}


def item(kind: str, index: int, fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": f"response.output_item.{kind}", "output_index": index, "item": fields}


END: list[Event] = [Counted(Tokens(7, 2)), Ended(0, Stop.END)]


def test_text() -> None:
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}
    assert read(
        CREATED,
        {**CREATED, "type": "response.in_progress"},
        item("added", 0, {"type": "message", "content": []}),
        {"type": "response.content_part.added", "part": {"type": "output_text"}},
        delta("output_text", "Hel", content_index=0, logprobs=[]),
        delta("output_text", "lo", content_index=0),
        {"type": "response.output_text.done", "text": "Hello"},
        item("done", 0, message),
        COMPLETED,
    ) == [
        Begun("resp_1", "gpt-5"),
        PartBegun(0, 0, Text(text="")),
        Delta(0, 0, "Hel"),
        Delta(0, 0, "lo"),
        PartEnded(0, 0),
        *END,
    ]


def test_thoughts_and_calls_in_turn() -> None:
    bare = {**CALL, "arguments": ""}
    custom = {"type": "custom_tool_call", "call_id": "call_2", "name": "patch", "input": ""}
    found = read(
        CREATED,
        item("added", 0, {"type": "reasoning", "summary": []}),
        delta("reasoning_summary_text", "a", summary_index=0),
        delta("reasoning_summary_text", "b", summary_index=1),
        item("done", 0, THOUGHTS),
        item("added", 1, bare),
        delta("function_call_arguments", '{"a"', 1),
        delta("function_call_arguments", ":1}", 1),
        item("done", 1, CALL),
        item("added", 2, custom),
        delta("custom_tool_call_input", "*** x", 2),
        item("done", 2, {**custom, "input": "*** x"}),
        COMPLETED,
    )
    assert found == [
        Begun("resp_1", "gpt-5"),
        PartBegun(0, 0, Thinking(vendor="openai")),
        Delta(0, 0, "a"),
        Delta(0, 0, "\n\nb"),
        Delta(0, 0, seal="gAAA"),
        PartEnded(0, 0),
        PartBegun(0, 1, ToolCall(id="call_1", name="look")),
        Delta(0, 1, '{"a"'),
        Delta(0, 1, ":1}"),
        PartEnded(0, 1),
        PartBegun(0, 2, ToolCall(id="call_2", name="patch", arguments="", free_form=True)),
        Delta(0, 2, "*** x"),
        PartEnded(0, 2),
        Counted(Tokens(7, 2)),
        Ended(0, Stop.TOOL),
    ]


def test_items_that_come_whole_are_read_all_the_same() -> None:
    message = {
        "type": "message",
        "content": [
            {"type": "output_text", "text": "a"},
            {"type": "refusal", "refusal": "no"},
        ],
    }
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}
    hidden = Thinking(seal="gAAA", vendor="openai", hidden=True)
    assert read(
        item("done", 0, sealed),
        item(
            "done", 1, {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "t"}]}
        ),
        item("done", 2, {"type": "reasoning", "summary": []}),
        item("done", 3, message),
        COMPLETED,
    ) == [
        PartBegun(0, 0, hidden),
        PartEnded(0, 0),
        PartBegun(0, 1, Thinking()),
        Delta(0, 1, "t"),
        PartEnded(0, 1),
        PartBegun(0, 2, Text(text="")),
        Delta(0, 2, "a"),
        PartEnded(0, 2),
        PartBegun(0, 3, Text(text="")),
        Delta(0, 3, "no"),
        PartEnded(0, 3),
        Counted(Tokens(7, 2)),
        Ended(0, Stop.REFUSAL),
    ]
    assert read(item("done", 0, CALL))[:3] == [
        PartBegun(0, 0, ToolCall(id="call_1", name="look")),
        Delta(0, 0, '{"a":1}'),
        PartEnded(0, 0),
    ]


def test_parts_of_one_message_are_apart_and_a_refusal_is_noticed() -> None:
    found = read(
        delta("output_text", "a", content_index=0),
        delta("refusal", "no", content_index=1),
        COMPLETED,
    )
    assert [type(event) for event in found] == [
        PartBegun,
        Delta,
        PartEnded,
        PartBegun,
        Delta,
        PartEnded,
        Counted,
        Ended,
    ]
    assert found[-1] == Ended(0, Stop.REFUSAL)


def test_log_probabilities() -> None:
    likely = [{"token": "a", "logprob": -1, "top_logprobs": [{"token": "b", "logprob": -2}]}]
    found = read(delta("output_text", "a", content_index=0, logprobs=likely))
    assert found[1] == Delta(0, 0, "a", logprobs=(TokenLogprob("a", -1.0, (("b", -2.0),)),))


def test_what_is_not_known_is_passed_over() -> None:
    assert (
        read(
            {"type": "response.web_search_call.searching", "output_index": 0},
            {"type": "response.shell_call_output_content.delta", "delta": {"stdout": "x"}},
            {"type": "keepalive", "sequence_number": 4},
            item("added", 0, {"type": "web_search_call", "content": "odd"}),
            item("done", 0, {"type": "web_search_call", "content": "odd"}),
            {"future": True},
            COMPLETED,
            {"type": "response.output_text.delta", "delta": "late"},
        )
        == END
    )
    reader = RESPONSES_VENDOR.reader()
    assert reader.feed(b": ping\n\nevent: ping\n\ndata: [DONE]\n\n") == []


@pytest.mark.parametrize(
    ("response", "stop"),
    [
        ({"status": "completed"}, Stop.END),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            Stop.LENGTH,
        ),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, Stop.FILTER),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, None),
        ({"status": "incomplete"}, None),
    ],
)
def test_why_it_ended(response: dict[str, Any], stop: Stop | None) -> None:
    final = {"type": f"response.{response['status']}", "response": response}
    assert read(final) == [Ended(0, stop)]


@pytest.mark.parametrize(
    ("event", "broken"),
    [
        (
            {
                "type": "response.failed",
                "response": {"error": {"code": "server_error", "message": "no"}},
            },
            Broken("no"),
        ),
        (
            {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded"}}},
            Broken("the vendor says that it failed, and not why", overloaded=True),
        ),
        ({"type": "error", "code": "slow_down", "message": "no"}, Broken("no", overloaded=True)),
        ({"type": "error", "error": {"code": "x", "message": "no"}}, Broken("no")),
        ({"type": "error"}, Broken("the vendor reports an error, and not which")),
    ],
)
def test_failures_in_the_middle(event: dict[str, Any], broken: Broken) -> None:
    assert read(event) == [broken]


def test_figures_of_a_failure_are_kept() -> None:
    reader = RESPONSES_VENDOR.reader()
    failed = {"type": "response.failed", "response": {"usage": USAGE}}
    reader.feed(f"data: {json.dumps(failed)}\n\n".encode())
    assert (reader.tokens, reader.complete) == (Tokens(7, 2), True)


def test_a_stream_that_is_cut_is_broken() -> None:
    assert read(CREATED)[-1] == Broken("the vendor's stream ended before the answer did")
    reader = RESPONSES_VENDOR.reader()
    reader.feed(b'data: {"type":"response.comp')
    assert reader.finish() == [Broken("the vendor's stream ended before the answer did")]
    assert not reader.complete


def test_the_last_event_needs_no_blank_line() -> None:
    reader = RESPONSES_VENDOR.reader()
    assert reader.feed(f"data: {json.dumps(COMPLETED)}".encode()) == []
    assert reader.finish() == END


def test_output_is_counted_by_its_bytes() -> None:
    reader = RESPONSES_VENDOR.reader()
    text = delta("output_text", "h\u00e9")
    reader.feed(f"data: {json.dumps(text)}\n\n".encode())
    reader.feed(f"data: {json.dumps(item('done', 1, CALL))}\n\n".encode())
    assert reader.text_bytes == 3 + len('{"a":1}')


@pytest.mark.parametrize(
    "event",
    [
        {"type": 3},
        {"type": "response.output_text.delta", "delta": {"a": 1}},
        {"type": "response.output_item.done", "item": {"type": "function_call", "name": 3}},
        {"type": "response.completed", "response": 3},
        {"type": "response.function_call_arguments.delta", "delta": "x", "output_index": 0},
    ],
)
def test_what_is_known_must_have_its_shape(event: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        read(event)


def test_an_item_may_not_go_on_after_the_next() -> None:
    with pytest.raises(UnreadableError, match="goes on"):
        read(delta("output_text", "a", 1), delta("output_text", "b", 0))


def test_text_that_is_no_json_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        RESPONSES_VENDOR.reader().feed(b"data: {nonsense\n\n")


def whole(**fields: Any) -> Reply:
    body = {"id": "resp_1", "model": "gpt-5", "status": "completed", **fields}
    return RESPONSES_VENDOR.reply(json.dumps(body).encode())


def test_a_whole_answer() -> None:
    likely = [{"token": "a", "bytes": [97], "logprob": -1, "top_logprobs": []}]
    custom = {"type": "custom_tool_call", "call_id": "call_2", "name": "patch", "input": "*** x"}
    text = {"type": "output_text", "text": "a", "annotations": [], "logprobs": likely}
    output = [
        THOUGHTS,
        {"type": "reasoning", "summary": []},
        {"type": "web_search_call", "action": 3},
        {"type": "message", "role": "assistant", "content": [text, {"type": "future"}]},
        CALL,
        {**CALL, "call_id": "call_3", "arguments": ""},
        custom,
    ]
    assert whole(output=output, usage=USAGE) == Reply(
        id="resp_1",
        model="gpt-5",
        choices=(
            Choice(
                parts=(
                    Thinking(text="a\n\nb", seal="gAAA", vendor="openai"),
                    Text(text="a"),
                    ToolCall(id="call_1", name="look", arguments='{"a":1}'),
                    ToolCall(id="call_3", name="look"),
                    ToolCall(id="call_2", name="patch", arguments="*** x", free_form=True),
                ),
                stop=Stop.TOOL,
                logprobs=(TokenLogprob("a", -1.0),),
            ),
        ),
        tokens=Tokens(7, 2),
    )


def test_a_whole_refusal_and_one_that_was_cut() -> None:
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}
    choice = whole(output=[refusal]).choices[0]
    assert choice == Choice(parts=(Text(text="no"),), stop=Stop.REFUSAL)
    cut = whole(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert cut.choices == (Choice(stop=Stop.LENGTH),)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"output": [3]}',
        b'{"output": [{"type": "message", "content": 3}]}',
        b'{"status": "failed", "error": {"code": "server_error", "message": "no"}}',
        b'{"status": "failed"}',
        b'{"id": "' + b"\xff" + b'"}',
    ],
)
def test_an_answer_that_is_none_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        RESPONSES_VENDOR.reply(body)


def test_there_are_no_embeddings() -> None:
    with pytest.raises(UnreadableError):
        _: Vectors = RESPONSES_VENDOR.vectors(b"{}", "m")
