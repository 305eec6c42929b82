"""What we write, read by OpenAI's own SDK: typed objects, and its helper that gathers streams."""

import json
from collections.abc import Iterable
from typing import Any

import httpx2
import pydantic
from openai import OpenAI
from openai.types.responses import Response

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
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
)
from pai.dialect.responses import RESPONSES_CLIENT
from pai.dialect.sides import Call

PARTS = (
    Thinking(text="hm", seal="SIG", vendor="anthropic"),
    Thinking(seal="DATA", vendor="anthropic", hidden=True),
    Text(text='{"city":"Oslo"}'),
    ToolCall(id="call_1", name="look", arguments='{"at":"sky"}', seal="X", vendor="gemini"),
    ToolCall(id="call_2", name="patch", arguments='{"input":"*** x"}'),
)
TOOLS: Any = [
    {
        "type": "function",
        "name": "look",
        "strict": True,
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
    {"type": "custom", "name": "patch"},
]


class City(pydantic.BaseModel):
    city: str


def streamed(stop: Stop = Stop.TOOL) -> Iterable[Event]:
    yield Begun("msg_1", "claude")
    for number, part in enumerate(PARTS):
        if isinstance(part, ToolCall):
            yield PartBegun(0, number, ToolCall(id=part.id, name=part.name))
            yield Delta(0, number, part.arguments[:5])
            yield Delta(0, number, part.arguments[5:])
        elif isinstance(part, Thinking):
            yield PartBegun(0, number, Thinking(vendor=part.vendor, hidden=part.hidden))
            yield Delta(0, number, part.text)
            yield Delta(0, number, seal=part.seal)
        elif isinstance(part, Text):
            yield PartBegun(0, number, Text(text=""))
            yield Delta(0, number, part.text)
        yield PartEnded(0, number)
    yield Ended(0, stop)
    yield Counted(Tokens(10, 5, 3, 2, 1))


def answered(events: Iterable[Event]) -> OpenAI:
    """Return a client whose every request gets these events, or the same as a whole answer."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/v1/responses"
        reading = RESPONSES_CLIENT.read(Call(request.content))
        reading.meaning()
        if not reading.stream:
            choice = Choice(parts=PARTS, stop=Stop.TOOL)
            reply = Reply(id="msg_1", model="claude", choices=(choice,), tokens=Tokens(10, 5))
            return httpx2.Response(200, json=json.loads(RESPONSES_CLIENT.reply(reply, reading)))
        writer = RESPONSES_CLIENT.writer(reading)
        body = b"".join(map(writer.write, events)) + writer.finish()
        kind = RESPONSES_CLIENT.stream_type(reading).decode()
        return httpx2.Response(200, content=body, headers={"content-type": kind})

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return OpenAI(api_key="sk-x", base_url="http://gateway.test/v1", http_client=http)


def check(response: Response) -> None:
    """Check an answer by the SDK's own types, strictly."""
    Response.model_validate(response.model_dump(mode="json", by_alias=True))
    assert [item.type for item in response.output] == [
        "reasoning",
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
    ]
    assert response.output_text == '{"city":"Oslo"}'
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.total_tokens == 15


def test_a_whole_answer() -> None:
    with answered(()) as client:
        check(client.responses.create(model="m", input="hi", tools=TOOLS))


def test_a_whole_answer_is_parsed() -> None:
    with answered(()) as client:
        response = client.responses.parse(model="m", input="hi", tools=TOOLS, text_format=City)
    assert response.output_parsed == City(city="Oslo")


def test_raw_events_are_of_the_sdks_types() -> None:
    with answered(streamed()) as client:
        found = list(client.responses.create(model="m", input="hi", tools=TOOLS, stream=True))
    for event in found:
        type(event).model_validate(event.model_dump(mode="json", by_alias=True))
    assert [event.sequence_number for event in found] == list(range(len(found)))
    last = found[-1]
    assert last.type == "response.completed"
    check(last.response)


def test_the_helper_gathers_the_stream() -> None:
    with (
        answered(streamed()) as client,
        client.responses.stream(model="m", input="hi", tools=TOOLS, text_format=City) as stream,
    ):
        texts = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert texts == ['{"city":"Oslo"}']
    assert final.output_parsed == City(city="Oslo")
    call = final.output[3]
    assert call.type == "function_call"
    assert call.parsed_arguments == {"at": "sky"}
    thoughts = final.output[1]
    assert thoughts.type == "reasoning"
    assert (thoughts.summary, thoughts.encrypted_content) == ([], "anthropic.hidden:DATA")


def test_an_answer_that_was_cut_is_incomplete() -> None:
    with answered(streamed(Stop.LENGTH)) as client:
        found = list(client.responses.create(model="m", input="hi", stream=True))
    last = found[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details is not None
    assert last.response.incomplete_details.reason == "max_output_tokens"


def test_a_stream_that_broke_has_failed() -> None:
    with answered([Begun("1", "x"), Broken("gone")]) as client:
        found = list(client.responses.create(model="m", input="hi", stream=True))
    last = found[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert last.response.error.message == "gone"
