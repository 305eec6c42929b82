import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion

from pai.budget.estimate import InputShape
from pai.budget.price import Tokens
from pai.dialect.conversation import Conversation, Text, Thinking, ToolCall, Turn
from pai.dialect.openai import (
    COMPLETIONS_CLIENT,
    COMPLETIONS_VENDOR,
    BadRequestError,
    CompletionRequest,
)
from pai.dialect.refused import Refused, UnreadableError, UnsupportedError
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
    Vectors,
)
from pai.dialect.sides import Call


def read(**fields: Any) -> CompletionRequest:
    request = COMPLETIONS_CLIENT.read(Call(json.dumps(fields).encode()))
    assert isinstance(request, CompletionRequest)
    return request


def sent(request: CompletionRequest, cap: int = 100) -> Any:
    return json.loads(request.body_for("m", cap, "max_completion_tokens"))


def test_nothing_changes_but_model_and_cap() -> None:
    body = b'{"model":"x", "prompt":"a", "temperature": 1.50, "max_tokens":5, "odd":1e2}'
    out = COMPLETIONS_CLIENT.read(Call(body)).body_for("m", 10, "max_completion_tokens")
    assert out == b'{"model":"m","prompt":"a","temperature":1.50,"max_tokens":5,"odd":1e2}'


def test_the_cap_is_the_apis_own_where_the_client_has_none() -> None:
    assert read(prompt="a").cap == 16
    assert sent(read(prompt="a"))["max_tokens"] == 16
    assert sent(read(prompt="a"), 9)["max_tokens"] == 9
    assert sent(read(prompt="a", max_tokens=50), 9)["max_tokens"] == 9
    assert sent(read(prompt="a", max_tokens=5), 9)["max_tokens"] == 5
    assert read(prompt="a", max_tokens=50).cap == 50


@pytest.mark.parametrize(
    ("fields", "answers", "prompts"),
    [
        ({}, 1, 1),
        ({"prompt": "a"}, 1, 1),
        ({"prompt": []}, 1, 1),
        ({"prompt": ["a", "b", "c"], "n": 2}, 6, 3),
        ({"prompt": [5, 6, 7], "n": 2}, 2, 1),
        ({"prompt": [[5, 6], [7]], "best_of": 4, "n": 2}, 8, 2),
        ({"prompt": ["a"], "best_of": 3}, 3, 1),
    ],
)
def test_every_answer_that_is_made_is_counted(fields: Any, answers: int, prompts: int) -> None:
    request = read(**fields)
    assert request.answers == answers
    assert request.shape == InputShape(len(json.dumps(fields)), messages=prompts)


def test_usage_is_asked_for_in_streams() -> None:
    request = read(prompt="a", stream=True)
    assert not request.wants_usage
    assert sent(request)["stream_options"] == {"include_usage": True}
    wanting = read(prompt="a", stream=True, stream_options={"include_usage": True})
    assert wanting.wants_usage
    assert sent(wanting)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in sent(read(prompt="a"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("n", 0), ("best_of", 999), ("max_tokens", 0), ("models", ["a"]), ("Model", "b")],
)
def test_requests_out_of_shape_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(BadRequestError) as caught:
        read(prompt="a", **{field: value})
    assert caught.value.param == field


def test_translated_a_prompt_is_one_turn() -> None:
    talk = read(
        prompt=["Once"],
        n=2,
        best_of=1,
        stop="END",
        temperature=0.5,
        seed=3,
        echo=False,
        stream=True,
        stream_options={"include_obfuscation": True},
        user="u",
    ).meaning()
    assert talk == Conversation(
        turns=(Turn("user", (Text(text="Once"),)),),
        stops=("END",),
        temperature=0.5,
        seed=3,
        answers=2,
        stream=True,
        advisory=("stream_options.include_obfuscation", "user"),
    )
    assert read(prompt="Once").meaning().turns == talk.turns


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("suffix", "the end"),
        ("echo", True),
        ("best_of", 2),
        ("logprobs", 0),
        ("logit_bias", {"5": 1}),
        ("prompt", ["a", "b"]),
        ("prompt", [5, 6]),
        ("prompt", [[5]]),
    ],
)
def test_what_only_completing_models_do_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(UnsupportedError) as caught:
        read(**{"prompt": "a", field: value}).meaning()
    assert caught.value.param == field


@pytest.mark.parametrize("prompt", ["", [], None, [""]])
def test_an_empty_prompt_asks_nothing(prompt: object) -> None:
    with pytest.raises(BadRequestError) as caught:
        read(prompt=prompt).meaning()
    assert not isinstance(caught.value, UnsupportedError)


PARTS = (Thinking(text="hm"), Text(text="hi"), ToolCall(id="c", name="a"))


def test_an_answer_is_text_alone() -> None:
    reply = Reply(id="1", model="m", choices=(Choice(parts=PARTS, stop=Stop.LENGTH),))
    body = COMPLETIONS_CLIENT.reply(reply, read(prompt="a"))
    final = Completion.model_validate_json(body, strict=True)
    assert (final.id, final.created, final.usage) == ("cmpl-1", 0, None)
    assert (final.choices[0].text, final.choices[0].finish_reason) == ("hi", "length")
    counted = Reply(id="1", model="m", choices=(), tokens=Tokens(3, 2))
    usage = Completion.model_validate_json(COMPLETIONS_CLIENT.reply(counted, read())).usage
    assert usage is not None
    assert usage.total_tokens == 5


def stream(*events: Event, **fields: Any) -> list[Any]:
    request = read(prompt="a", stream=True, **fields)
    assert COMPLETIONS_CLIENT.stream_type(request) == b"text/event-stream"
    writer = COMPLETIONS_CLIENT.writer(request)
    data = b"".join(map(writer.write, events)) + writer.finish()
    lines = [line[6:] for line in data.decode().split("\n\n")[:-1]]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


EVENTS: list[Event] = [
    Begun("1", "m"),
    PartBegun(0, 0, Thinking()),
    Delta(0, 0, "hm"),
    PartEnded(0, 0),
    PartBegun(0, 1, Text(text="h")),
    Delta(0, 1, "i"),
    Delta(0, 1, ""),
    PartEnded(0, 1),
    Ended(0, Stop.END),
    Counted(Tokens(3, 2)),
]


def test_a_stream_is_text_alone() -> None:
    data = stream(*EVENTS)
    assert [each["choices"][0]["text"] for each in data[:-1]] == ["h", "i", ""]
    assert data[-2]["choices"][0]["finish_reason"] == "stop"
    assert data[-1] == "[DONE]"
    wanting = stream(*EVENTS, stream_options={"include_usage": True})
    assert wanting[0]["usage"] is None
    assert wanting[-2]["usage"]["total_tokens"] == 5
    quiet = stream(PartBegun(0, 0, Text(text="")), stream_options={"include_usage": True})
    assert quiet == ["[DONE]"]


def test_a_broken_stream_has_an_error_and_no_end() -> None:
    assert stream(Begun("1", "m"), Broken("boom"))[-1]["error"]["code"] == "upstream_error"
    assert stream(Broken("b", overloaded=True))[-1]["error"]["code"] == "upstream_unavailable"


def test_the_client_words_refusals_and_takes_no_embeddings() -> None:
    assert COMPLETIONS_CLIENT.error(Refused.BAD_BODY, "why", None)[0] == 400
    with pytest.raises(TypeError):
        COMPLETIONS_CLIENT.vectors(Vectors(model="m", vectors=()), read())


def test_the_vendors_api_is_passed_through_only() -> None:
    vendor = COMPLETIONS_VENDOR
    assert vendor.target("/v1", "m", stream=True) == b"/v1/completions"
    assert vendor.key("k") == (b"authorization", b"Bearer k")
    assert vendor.error_text(b'{"error":"no"}') == "no"
    assert vendor.tokens(b'{"usage":{"prompt_tokens":1,"completion_tokens":2}}') == Tokens(1, 2)
    meter = vendor.meter(keeps_usage=False)
    chunk = b'data: {"choices":[{"text":"h\xc3\xa9y","index":0,"finish_reason":null}]}\n\n'
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
    assert meter.feed(chunk + usage) == chunk
    assert (meter.text_bytes, meter.tokens, meter.complete) == (4, Tokens(1, 2), True)
    with pytest.raises(UnsupportedError):
        vendor.write(Conversation(turns=()), "m", 1)
    with pytest.raises(UnreadableError):
        vendor.reply(b"{}")
    with pytest.raises(UnreadableError):
        vendor.reader()
    with pytest.raises(UnreadableError):
        vendor.vectors(b"{}", "m")


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        COMPLETIONS_CLIENT.read(Call(body))
    except BadRequestError:
        return
