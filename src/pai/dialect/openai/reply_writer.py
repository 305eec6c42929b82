"""A whole answer, written for a chat client."""

import msgspec

from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.openai.answer import usage_of
from pai.dialect.openai.endings import finish_reason, logprobs_shown
from pai.dialect.openai.thoughts import detail_of
from pai.dialect.openai.tools import Shown, free_text
from pai.dialect.reply import Choice, Reply
from pai.dialect.seal import sealed_id


def id_of(answer_id: str, prefix: str) -> str:
    """Return the id of an answer in OpenAI's spelling, derived from the vendor's own."""
    return answer_id if answer_id.startswith(prefix) else prefix + answer_id


def reply_body(reply: Reply, shown: Shown) -> bytes:
    """Return the answer; `created` is 0, since no time is known here."""
    body: dict[str, object] = {
        "id": id_of(reply.id, "chatcmpl-"),
        "object": "chat.completion",
        "created": 0,
        "model": reply.model,
        "choices": [_choice(each, place, shown) for place, each in enumerate(reply.choices)],
        "usage": None if reply.tokens is None else usage_of(reply.tokens),
    }
    return msgspec.json.encode(body)


def _choice(choice: Choice, place: int, shown: Shown) -> dict[str, object]:
    calls = [each for each in choice.parts if isinstance(each, ToolCall)]
    message = _message(choice, calls, shown)
    reason = finish_reason(choice.stop, calls=bool(calls))
    if shown.legacy and reason == "tool_calls":
        reason = "function_call"
    return {
        "index": place,
        "message": message,
        "logprobs": logprobs_shown(choice.logprobs),
        "finish_reason": reason,
    }


def _message(choice: Choice, calls: list[ToolCall], shown: Shown) -> dict[str, object]:
    texts = [each.text for each in choice.parts if isinstance(each, Text)]
    thoughts = [each for each in choice.parts if isinstance(each, Thinking)]
    message: dict[str, object] = {
        "role": "assistant",
        "content": "".join(texts) if texts or not calls else None,
        "refusal": None,
    }
    if thoughts:
        message["reasoning_content"] = "".join(each.text for each in thoughts)
        message["reasoning_details"] = [
            detail_of(each, place) for place, each in enumerate(thoughts)
        ]
    if calls and shown.legacy:  # such clients know of one call only; the model asks again
        message["function_call"] = _function(calls[0])
    elif calls:
        message["tool_calls"] = [_call(each, shown) for each in calls]
    return message


def call_id(call: ToolCall) -> str:
    """Return the id for a client, with the call's seal in it."""
    return sealed_id(call.id, call.vendor, call.seal) if call.vendor else call.id


def _function(call: ToolCall) -> dict[str, object]:
    return {"name": call.name, "arguments": call.arguments}


def _call(call: ToolCall, shown: Shown) -> dict[str, object]:
    if call.name in shown.free_form:
        text = call.arguments if call.free_form else free_text(call.arguments)
        custom = {"name": call.name, "input": text}
        return {"id": call_id(call), "type": "custom", "custom": custom}
    return {"id": call_id(call), "type": "function", "function": _function(call)}
