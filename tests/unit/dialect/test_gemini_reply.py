import json
from typing import Any

import pytest
from tests.unit.dialect.gemini_answers import NAMES, USAGE, answer, candidate
from tests.unit.dialect.gemini_calls import request, sent

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.gemini import GENERATE_CLIENT, GENERATE_VENDOR
from pai.dialect.gemini.usage import read_tokens, usage_of
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Choice, Reply, Stop, TokenLogprob

TOKENS = Tokens(13, 50, 4, 30)
CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}


def choice(*parts: Any, **more: Any) -> Choice:
    (found,) = GENERATE_VENDOR.reply(answer(candidate(*parts, **more))).choices
    return found


def test_a_whole_answer() -> None:
    body = answer(
        candidate(
            {"text": "hm", "thought": True},
            {"text": "Hello", "thoughtSignature": "S"},
            {"inlineData": {"mimeType": "image/png", "data": "A"}},
            {"somethingNew": 1},
            finishReason="STOP",
            safetyRatings=[],
        ),
        promptFeedback={},
    )
    assert GENERATE_VENDOR.reply(body) == Reply(
        id="r1",
        model="gemini-3-flash",
        choices=(
            Choice(
                parts=(
                    Thinking(text="hm", vendor="gemini"),
                    Text(text="Hello"),
                    Thinking(seal="S", vendor="gemini", hidden=True),
                ),
                stop=Stop.END,
            ),
        ),
        tokens=TOKENS,
    )


def test_calls_are_given_ids_and_keep_their_seals() -> None:
    found = choice(
        {**CALL, "thoughtSignature": "S"},
        {"functionCall": {"id": "x", "name": "g"}},
        CALL,
        finishReason="STOP",
    )
    assert found.stop is Stop.TOOL
    assert found.parts == (
        ToolCall(id="call_r1_0_0", name="f", arguments='{"a": 1}', seal="S", vendor="gemini"),
        ToolCall(id="x", name="g"),
        ToolCall(id="call_r1_0_2", name="f", arguments='{"a": 1}'),
    )


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("STOP", Stop.END),
        ("MAX_TOKENS", Stop.LENGTH),
        ("SAFETY", Stop.FILTER),
        ("RECITATION", Stop.FILTER),
        ("PROHIBITED_CONTENT", Stop.FILTER),
        ("OTHER", None),
        ("BRAND_NEW", None),
        (None, None),
        ("MALFORMED_FUNCTION_CALL", None),
    ],
)
def test_why_it_ended(reason: str | None, stop: Stop | None) -> None:
    assert choice({"text": "x"}, finishReason=reason).stop is stop


def test_a_spoiled_call_is_no_empty_answer() -> None:
    with pytest.raises(UnreadableError, match="MALFORMED_FUNCTION_CALL print"):
        choice(finishReason="MALFORMED_FUNCTION_CALL", finishMessage="print()")


def test_a_prompt_that_was_refused_is_an_answer_without_content() -> None:
    body = json.dumps({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE})
    reply = GENERATE_VENDOR.reply(body.encode())
    assert reply.choices == (Choice(stop=Stop.FILTER),)
    assert reply.tokens == TOKENS


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"candidates":5}',
        b"{}",
        b'{"candidates":[]}',
        b'{"error":{"message":"no"}}',
        b'{"error":{}}',
        b"\xff",
    ],
)
def test_what_can_not_be_read(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        GENERATE_VENDOR.reply(body)


def test_logprobs() -> None:
    result: dict[str, Any] = {
        "chosenCandidates": [
            {"token": "a", "logProbability": -1.0},
            {"token": "b", "logProbability": -2.0},
        ],
        "topCandidates": [{"candidates": [{"token": "c", "logProbability": -3.0}]}, {}],
    }
    likely = (TokenLogprob("a", -1.0, (("c", -3.0),)), TokenLogprob("b", -2.0))
    assert choice({"text": "ab"}, logprobsResult=result).logprobs == likely
    assert choice({"text": "ab"}, logprobsResult={}).logprobs == ()
    bare = {"chosenCandidates": [{"token": "a"}]}
    assert choice({"text": "a"}, logprobsResult=bare).logprobs == (TokenLogprob("a", 0.0),)
    reply = Reply(id="r", model="m", choices=(Choice(logprobs=likely),))
    (shown,) = sent(GENERATE_CLIENT.reply(reply, request()))["candidates"]
    assert shown["avgLogprobs"] == -1.5
    assert shown["logprobsResult"] == {
        **result,
        "topCandidates": [result["topCandidates"][0], {"candidates": []}],
    }


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (USAGE, TOKENS),
        ({"promptTokenCount": 5}, Tokens(5, 0)),
        ({"promptTokenCount": 5, "totalTokenCount": 9}, Tokens(5, 4)),
        ({"promptTokenCount": 5, "cachedContentTokenCount": 99}, Tokens(5, 0, 5)),
        ({"promptTokenCount": 5, "cachedContentTokenCount": -1}, Tokens(5, 0, 0)),
        ({"candidatesTokenCount": 5}, None),
        ({"promptTokenCount": -5}, None),
        ({"promptTokenCount": 5, "candidatesTokenCount": 2**41}, None),
        ({"promptTokenCount": 5, "thoughtsTokenCount": "7"}, None),
        ({"promptTokenCount": 5.5}, None),
        ("many", None),
        (None, None),
    ],
)
def test_figures_are_believed_when_they_can_be_true(usage: Any, tokens: Tokens | None) -> None:
    assert GENERATE_VENDOR.tokens(answer(usage=usage)) == tokens


def test_figures_of_what_is_no_answer() -> None:
    assert read_tokens(b"") is None
    assert read_tokens(b"{}") is None
    assert read_tokens(b'"\xff"') is None


def test_figures_are_written_as_google_counts() -> None:
    shown = usage_of(TOKENS)
    assert read_tokens(json.dumps({"usageMetadata": shown}).encode()) == TOKENS
    assert shown["candidatesTokenCount"] == 20
    assert usage_of(Tokens(1, 2)) == {
        "promptTokenCount": 1,
        "candidatesTokenCount": 2,
        "totalTokenCount": 3,
    }


def test_an_answer_is_written_and_read_back() -> None:
    reply = Reply(
        id="r1",
        model="gemini-3-flash",
        choices=(
            Choice(
                parts=(
                    Thinking(text="hm", seal="S", vendor="gemini"),
                    Text(text="Hello"),
                    Thinking(seal="T", vendor="gemini", hidden=True),
                    ToolCall(id="c", name="f", arguments='{"a":1}', seal="U", vendor="gemini"),
                ),
                stop=Stop.TOOL,
            ),
            Choice(parts=(Text(text="x"),), stop=Stop.LENGTH),
        ),
        tokens=TOKENS,
    )
    assert GENERATE_VENDOR.reply(GENERATE_CLIENT.reply(reply, request())) == reply


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (None, "STOP"),
        (Stop.END, "STOP"),
        (Stop.TOOL, "STOP"),
        (Stop.SEQUENCE, "STOP"),
        (Stop.LENGTH, "MAX_TOKENS"),
        (Stop.FILTER, "SAFETY"),
        (Stop.REFUSAL, "SAFETY"),
        (Stop.PAUSE, "OTHER"),
    ],
)
def test_why_it_ended_in_googles_words(stop: Stop | None, reason: str) -> None:
    reply = Reply(id="r1", model="gemini-3-flash", choices=(Choice(stop=stop),))
    assert sent(GENERATE_CLIENT.reply(reply, request())) == {
        "candidates": [
            {
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": reason,
                "index": 0,
            }
        ],
        **NAMES,
    }


def test_calls_and_seals_of_other_vendors() -> None:
    parts = (
        ToolCall(id="c", name="f", arguments="ls", free_form=True),
        ToolCall(id="d", name="f", arguments="{broken"),
        Thinking(seal="S", vendor="openai", hidden=True),
    )
    reply = Reply(id="r", model="m", choices=(Choice(parts=parts),))
    shown = sent(GENERATE_CLIENT.reply(reply, request()))["candidates"][0]["content"]["parts"]
    assert [each["functionCall"]["args"] for each in shown[:2]] == [
        {"input": "ls"},
        {"input": "{broken"},
    ]
    assert shown[2] == {
        "text": "",
        "thought": True,
        "thoughtSignature": "cGFpLXNlYWw6b3BlbmFpOlM=",
    }
