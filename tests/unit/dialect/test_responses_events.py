import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.refused import Refused
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
from pai.dialect.responses import RESPONSES_CLIENT, ResponsesReading
from pai.dialect.seal import sealed_id
from pai.dialect.sides import Call

TOOLS = [
    {"type": "function", "name": "look", "parameters": {"type": "object"}},
    {"type": "custom", "name": "patch"},
    {"type": "namespace", "name": "mcp__git", "tools": [{"type": "function", "name": "log"}]},
]
LIKELY = TokenLogprob("hi", -0.5, (("ho", -1.5),))
BEGUN = Begun("msg_1", "claude")


def reading(**fields: Any) -> ResponsesReading:
    body = {"model": "m", "input": "hi", "tools": TOOLS, **fields}
    return RESPONSES_CLIENT.read(Call(json.dumps(body, indent=1).encode()))


def events(
    stream: Iterable[Event], request: ResponsesReading | None = None
) -> list[dict[str, Any]]:
    """Return what a client reads; names agree with types, numbers count from 0."""
    writer = RESPONSES_CLIENT.writer(request or reading())
    text = b"".join(writer.write(event) for event in stream) + writer.finish()
    found = []
    for number, event in enumerate(text.decode().split("\n\n")[:-1]):
        name, data = event.split("\n")
        read = json.loads(data.removeprefix("data: "))
        assert name == f"event: {read['type']}"
        assert read["sequence_number"] == number
        found.append(read)
    return found


def said(*parts: list[Event]) -> list[Event]:
    return [BEGUN, *(event for part in parts for event in part)]


def part(number: int, begun: Text | Thinking | ToolCall, *deltas: str) -> list[Event]:
    more = [Delta(0, number, each) for each in deltas]
    return [PartBegun(0, number, begun), *more, PartEnded(0, number)]


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in found]


def test_text_has_the_whole_sequence_of_events() -> None:
    stream = said(part(0, Text(text=""), "Hel", "", "lo"), [Ended(0, Stop.END)])
    found = events([*stream, Counted(Tokens(9, 2, 1, 0, 3))])
    assert kinds(found) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert found[4] == {
        "type": "response.output_text.delta",
        "sequence_number": 4,
        "item_id": "msg_msg_1_0",
        "output_index": 0,
        "content_index": 0,
        "logprobs": [],
        "delta": "Hel",
    }
    item = {
        "id": "msg_msg_1_0",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}],
    }
    assert found[8]["item"] == item
    response = found[9]["response"]
    assert response["output"] == [item]
    assert (response["id"], response["model"], response["status"]) == (
        "resp_msg_1",
        "claude",
        "completed",
    )
    assert response["usage"] == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 3},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 11,
    }


def test_the_first_events_leave_at_once() -> None:
    writer = RESPONSES_CLIENT.writer(reading())
    assert writer.write(BEGUN).count(b"\n\n") == 2
    assert writer.write(PartBegun(0, 0, Text(text="Hi"))).count(b"\n\n") == 3
    assert writer.write(Delta(0, 0, "!")).count(b"\n\n") == 1


def test_what_the_request_said_is_repeated_on_one_line() -> None:
    found = events([BEGUN], reading(temperature=0.5, metadata={"a": "b"}, instructions="a\nb"))
    response = found[0]["response"]
    assert response["tools"] == TOOLS
    assert (response["temperature"], response["metadata"]) == (0.5, {"a": "b"})
    assert (response["instructions"], response["store"]) == ("a\nb", False)
    assert (response["tool_choice"], response["parallel_tool_calls"]) == ("auto", True)


def test_log_probabilities() -> None:
    stream = said([PartBegun(0, 0, Text(text="")), Delta(0, 0, "hi", logprobs=(LIKELY,))])
    found = events([*stream, PartEnded(0, 0), Ended(0, Stop.END)])
    top = [{"token": "ho", "logprob": -1.5}]
    assert found[4]["logprobs"] == [{"token": "hi", "logprob": -0.5, "top_logprobs": top}]
    assert found[5]["logprobs"] == found[4]["logprobs"]
    assert found[7]["item"]["content"][0]["logprobs"] == [
        {
            "token": "hi",
            "bytes": [104, 105],
            "logprob": -0.5,
            "top_logprobs": [{"token": "ho", "bytes": [104, 111], "logprob": -1.5}],
        }
    ]


def test_thoughts_with_a_seal() -> None:
    thinking: list[Event] = [
        PartBegun(0, 0, Thinking(vendor="anthropic")),
        Delta(0, 0, "hm"),
        Delta(0, 0, "."),
    ]
    found = events(said([*thinking, Delta(0, 0, seal="SIG"), PartEnded(0, 0)], [Ended(0, None)]))
    assert kinds(found)[2:-1] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert found[4]["summary_index"] == 0
    assert found[8]["item"] == {
        "id": "rs_msg_1_0",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm."}],
        "encrypted_content": "anthropic:SIG",
    }


@pytest.mark.parametrize(
    ("thinking", "sealed"),
    [
        (Thinking(seal="S", vendor="anthropic", hidden=True), "anthropic.hidden:S"),
        (Thinking(seal="S", vendor="gemini"), "gemini:S"),
        (Thinking(seal="S", vendor="openai", hidden=True), "S"),
        (Thinking(), None),
    ],
)
def test_thoughts_that_are_not_shown(thinking: Thinking, sealed: str | None) -> None:
    found = events(said(part(0, thinking), [Ended(0, Stop.END)]))
    assert kinds(found)[2:-1] == ["output_item.added", "output_item.done"]
    item = found[3]["item"]
    assert (item["summary"], item["encrypted_content"]) == ([], sealed)


def test_a_function_call() -> None:
    call = ToolCall(id="c", name="look", seal="SIG", vendor="gemini")
    found = events(said(part(0, call, '{"a"', ":1}"), [Ended(0, Stop.TOOL)]))
    assert kinds(found)[2:-1] == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    item = {
        "id": "fc_msg_1_0",
        "type": "function_call",
        "status": "in_progress",
        "call_id": sealed_id("c", "gemini", "SIG"),
        "name": "look",
        "arguments": "",
    }
    assert found[2]["item"] == item
    assert found[6]["item"] == {**item, "status": "completed", "arguments": '{"a":1}'}
    assert found[-1]["response"]["status"] == "completed"


def test_a_call_without_arguments_has_an_empty_object() -> None:
    found = events(said(part(0, ToolCall(id="c", name="mcp__git__log")), [Ended(0, Stop.TOOL)]))
    assert [found[3]["delta"], found[4]["arguments"]] == ["{}", "{}"]
    item = found[5]["item"]
    assert (item["name"], item["namespace"], item["arguments"]) == ("log", "mcp__git", "{}")


@pytest.mark.parametrize(
    ("call", "deltas", "shown"),
    [
        (ToolCall(id="c", name="patch"), ['{"input"', ':"*** x"}'], ["*** x"]),
        (ToolCall(id="c", name="patch"), ["[]"], ["[]"]),
        (
            ToolCall(id="c", name="patch", arguments="", free_form=True),
            ["*** ", "x"],
            ["*** ", "x"],
        ),
    ],
)
def test_a_free_form_tool_gets_its_text(
    call: ToolCall, deltas: list[str], shown: list[str]
) -> None:
    found = events(said(part(0, call, *deltas), [Ended(0, Stop.TOOL)]))
    assert [each["delta"] for each in found if each["type"].endswith(".delta")] == shown
    assert kinds(found)[-3:-1] == ["custom_tool_call_input.done", "output_item.done"]
    item = found[-2]["item"]
    assert (item["id"], item["type"], item["input"]) == (
        "ctc_msg_1_0",
        "custom_tool_call",
        "".join(shown),
    )


def test_a_search_for_tools_has_no_events_of_its_own() -> None:
    request = reading(tools=[{"type": "tool_search", "execution": "client"}])
    call = ToolCall(id="c", name="tool_search")
    found = events(said(part(0, call, '{"q":', '"x"}'), [Ended(0, Stop.TOOL)]), request)
    assert kinds(found)[2:-1] == ["output_item.added", "output_item.done"]
    item = {
        "id": "tsc_msg_1_0",
        "type": "tool_search_call",
        "status": "in_progress",
        "call_id": "c",
        "execution": "client",
        "arguments": {},
    }
    assert found[2]["item"] == item
    assert found[3]["item"] == {**item, "status": "completed", "arguments": {"q": "x"}}


@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [
        (Stop.END, "completed", None),
        (Stop.SEQUENCE, "completed", None),
        (Stop.PAUSE, "completed", None),
        (None, "completed", None),
        (Stop.LENGTH, "incomplete", "max_output_tokens"),
        (Stop.FILTER, "incomplete", "content_filter"),
        (Stop.REFUSAL, "incomplete", "content_filter"),
    ],
)
def test_why_the_answer_ended(stop: Stop | None, status: str, reason: str | None) -> None:
    last = events(said(part(0, Text(text="a")), [Ended(0, stop)]))[-1]
    assert last["type"] == f"response.{status}"
    assert last["response"]["status"] == status
    details = last["response"]["incomplete_details"]
    assert details == (None if reason is None else {"reason": reason})


def test_a_broken_stream_fails_after_what_was_shown() -> None:
    broken: list[Event] = [PartBegun(0, 0, Text(text="a")), Broken("overloaded", overloaded=True)]
    found = events(said(broken))
    assert kinds(found)[-2:] == ["output_item.done", "failed"]
    response = found[-1]["response"]
    assert response["status"] == "failed"
    assert response["error"] == {"code": "server_error", "message": "overloaded"}


@pytest.mark.parametrize("stream", [[], [BEGUN], [Broken("")], [Delta(0, 0, "x")]])
def test_a_stream_without_an_end_fails(stream: list[Event]) -> None:
    found = events(stream)
    assert kinds(found) == ["created", "in_progress", "failed"]
    assert found[-1]["response"]["error"]["message"] == "the stream ended before the answer did"


def test_parts_before_the_beginning_still_have_ids() -> None:
    found = events([PartBegun(0, 0, Text(text="a")), Ended(0, Stop.END)])
    assert kinds(found)[:3] == ["created", "in_progress", "output_item.added"]


def whole(reply: Reply, **fields: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(RESPONSES_CLIENT.reply(reply, reading(**fields)))
    return read


def test_a_whole_answer() -> None:
    parts = (
        Thinking(text="hm", seal="S", vendor="anthropic"),
        Text(text="a"),
        Text(text="b"),
        ToolCall(id="c", name="look", arguments='{"a":1}'),
        ToolCall(id="d", name="patch", arguments='{"input":"*** x"}'),
        ToolCall(id="e", name="patch", arguments="*** y", free_form=True),
    )
    choice = Choice(parts=parts, stop=Stop.TOOL, logprobs=(LIKELY,))
    read = whole(Reply(id="resp_9", model="", choices=(choice,), tokens=Tokens(1, 2)))
    assert (read["id"], read["model"], read["usage"]["total_tokens"]) == ("resp_9", "m", 3)
    output = read["output"]
    assert [(each["id"], each["type"]) for each in output] == [
        ("rs_9_0", "reasoning"),
        ("msg_9_1", "message"),
        ("msg_9_2", "message"),
        ("fc_9_3", "function_call"),
        ("ctc_9_4", "custom_tool_call"),
        ("ctc_9_5", "custom_tool_call"),
    ]
    assert [len(each["content"][0]["logprobs"]) for each in output[1:3]] == [0, 1]
    assert [each["input"] for each in output[4:]] == ["*** x", "*** y"]


def test_a_refusal_is_told_as_one() -> None:
    choice = Choice(parts=(Text(text="no"),), stop=Stop.REFUSAL)
    read = whole(Reply(id="", model="x", choices=(choice,)))
    assert (read["id"], read["status"], read["usage"]) == ("resp_0", "completed", None)
    assert read["output"][0]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_an_answer_of_nothing() -> None:
    assert whole(Reply(id="1", model="x", choices=()))["output"] == []


def test_other_dialects_requests_and_answers_are_not_ours() -> None:
    class Other(msgspec.Struct):
        model: str = "m"

    with pytest.raises(TypeError):
        RESPONSES_CLIENT.writer(Other())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        RESPONSES_CLIENT.vectors(Vectors(model="m", vectors=()), reading())


def test_refusals_have_openais_shape() -> None:
    status, body = RESPONSES_CLIENT.error(Refused.UNKNOWN_MODEL, "no such model", "model")
    assert status == 404
    assert json.loads(body)["error"]["code"] == "model_not_found"
