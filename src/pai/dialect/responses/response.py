"""The response object: what of the request it repeats, its state, and a whole answer.

Source: https://platform.openai.com/docs/api-reference/responses/object
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from pai.budget.price import Tokens
from pai.dialect.body import NULL, Fields
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.reply import Choice, Reply, Stop
from pai.dialect.responses.free_form import Known
from pai.dialect.responses.output import (
    Item,
    base_of,
    call_item,
    message,
    reasoning,
    refusal_part,
    response_id,
    text_part,
    whole_call,
)
from pai.dialect.responses.usage import usage_of

_REPEATED: Mapping[str, Raw] = {
    "instructions": NULL,
    "max_output_tokens": NULL,
    "max_tool_calls": NULL,
    "metadata": Raw(b"{}"),
    "parallel_tool_calls": Raw(b"true"),
    "prompt_cache_key": NULL,
    "reasoning": Raw(b'{"effort":null,"summary":null}'),
    "safety_identifier": NULL,
    "temperature": Raw(b"1.0"),
    "text": Raw(b'{"format":{"type":"text"}}'),
    "tool_choice": Raw(b'"auto"'),
    "tools": Raw(b"[]"),
    "top_logprobs": Raw(b"0"),
    "top_p": Raw(b"1.0"),
    "truncation": Raw(b'"disabled"'),
    "user": NULL,
}
"""Fields of the request that a response repeats, and what stands there when it gave none."""

_OURS: Mapping[str, Raw] = {
    "background": Raw(b"false"),
    "previous_response_id": NULL,
    "service_tier": Raw(b'"default"'),
    "store": Raw(b"false"),
}
_INCOMPLETE = {Stop.LENGTH: "max_output_tokens", Stop.FILTER: "content_filter"}


def repeated(fields: Fields) -> dict[str, Raw]:
    """Return what a response to this request repeats of it."""
    again = {}
    for name, default in _REPEATED.items():
        sent = fields.get(name, NULL)
        again[name] = default if sent == NULL else _one_line(sent)
    return {**again, **_OURS}


def _one_line(sent: Raw) -> Raw:
    """Return a value without line breaks: events have none in their data."""
    text = bytes(sent)
    if b"\n" in text or b"\r" in text:
        return Raw(msgspec.json.format(text, indent=-1))
    return sent


class Head(msgspec.Struct, frozen=True):
    """What every state of one response has in common. again: as `repeated` gives it."""

    id: str
    model: str
    again: Mapping[str, Raw]

    def state(
        self,
        status: str,
        output: list[Raw],
        *,
        tokens: Tokens | None = None,
        reason: str = "",
        error: str = "",
    ) -> dict[str, object]:
        """Return the response in a state. reason: why it is incomplete; error: why it failed."""
        return {
            "id": response_id(self.id),
            "object": "response",
            "created_at": 0,
            "status": status,
            "error": {"code": "server_error", "message": error} if error else None,
            "incomplete_details": {"reason": reason} if reason else None,
            "model": self.model,
            "output": output,
            "usage": usage_of(tokens),
            **self.again,
        }

    def ended(
        self, stop: Stop | None, output: list[Raw], tokens: Tokens | None
    ) -> dict[str, object]:
        """Return the response as it is after the model has stopped."""
        reason = _INCOMPLETE.get(stop, "") if stop is not None else ""
        status = "incomplete" if reason else "completed"
        return self.state(status, output, tokens=tokens, reason=reason)


def whole(reply: Reply, head: Head, known: Mapping[str, Known]) -> bytes:
    """Return a whole answer; known: tools that have another form on the way to the vendor."""
    choice = reply.choices[0] if reply.choices else Choice()
    output = [Raw(msgspec.json.encode(item)) for item in _items(choice, reply.id, known)]
    return msgspec.json.encode(head.ended(choice.stop, output, reply.tokens))


def _items(choice: Choice, answer_id: str, known: Mapping[str, Known]) -> list[Item]:
    base, items = base_of(answer_id), list[Item]()
    last = max((n for n, part in enumerate(choice.parts) if isinstance(part, Text)), default=-1)
    for place, part in enumerate(choice.parts):
        if isinstance(part, Thinking):
            items.append(reasoning(f"rs_{base}_{place}", part))
        elif isinstance(part, ToolCall):
            item = call_item(base, place, part, known)
            items.append(whole_call(item, part.arguments, free_form=part.free_form))
        else:
            logprobs = choice.logprobs if place == last else ()
            refused = choice.stop is Stop.REFUSAL
            content = refusal_part(part.text) if refused else text_part(part.text, logprobs)
            items.append(message(f"msg_{base}_{place}", "completed", [content]))
    return items
