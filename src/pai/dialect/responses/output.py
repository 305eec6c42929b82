"""The items of an answer's output, as dictionaries ready to be encoded.

Ids are derived from the vendor's id of the answer and the item's place, at most 64 letters long.
"""

from collections.abc import Iterable, Mapping

from msgspec import Raw

from pai.dialect.conversation import Thinking, ToolCall
from pai.dialect.openai.tools import free_text
from pai.dialect.reply import TokenLogprob
from pai.dialect.responses.free_form import Known, object_text
from pai.dialect.responses.thoughts import sealed_content
from pai.dialect.seal import sealed_id

Item = dict[str, object]
CUSTOM_CALL = "custom_tool_call"
SEARCH_CALL = "tool_search_call"
_CALLS = {
    "function": ("fc", "function_call"),
    "custom": ("ctc", CUSTOM_CALL),
    "search": ("tsc", SEARCH_CALL),
}
_PREFIX = "resp_"
_MOST_LETTERS = 48


def base_of(answer_id: str) -> str:
    """Return what the ids of an answer's items have in common."""
    return answer_id.removeprefix(_PREFIX)[:_MOST_LETTERS] or "0"


def response_id(answer_id: str) -> str:
    """Return the id of the response."""
    return answer_id if answer_id.startswith(_PREFIX) else _PREFIX + (answer_id or "0")


def text_part(text: str, logprobs: Iterable[TokenLogprob] = ()) -> Item:
    """Return the content part of a message."""
    part: Item = {"type": "output_text", "text": text, "annotations": []}
    return {**part, "logprobs": [_with_bytes(each) for each in logprobs]}


def refusal_part(text: str) -> Item:
    """Return the content part that says no."""
    return {"type": "refusal", "refusal": text}


def message(item_id: str, status: str, content: list[Item]) -> Item:
    """Return a message of the model's."""
    kind: Item = {"id": item_id, "type": "message", "role": "assistant", "status": status}
    return {**kind, "content": content}


def reasoning(item_id: str, thinking: Thinking) -> Item:
    """Return thoughts. They come back unchanged, so the seal is always there."""
    summary = [{"type": "summary_text", "text": thinking.text}] if thinking.text else []
    kind: Item = {"id": item_id, "type": "reasoning", "summary": summary}
    return {**kind, "encrypted_content": sealed_content(thinking)}


def call_item(base: str, place: int, call: ToolCall, known: Mapping[str, Known]) -> Item:
    """Return a call of a tool, with no arguments yet."""
    tool = known.get(call.name, Known(call.name))
    prefix, kind = _CALLS["custom" if call.free_form else tool.kind]
    item: Item = {
        "id": f"{prefix}_{base}_{place}",
        "type": kind,
        "status": "in_progress",
        "call_id": sealed_id(call.id, call.vendor, call.seal) if call.vendor else call.id,
    }
    if kind == SEARCH_CALL:
        return {**item, "execution": "client", "arguments": {}}
    item["name"] = tool.name
    if tool.namespace:
        item["namespace"] = tool.namespace
    return {**item, "input" if kind == CUSTOM_CALL else "arguments": ""}


def whole_call(item: Item, arguments: str, *, free_form: bool) -> Item:
    """Return a call with all of its arguments; free_form: they are plain text already."""
    done: Item = {**item, "status": "completed"}
    if done["type"] == CUSTOM_CALL:
        return {**done, "input": arguments if free_form else free_text(arguments)}
    if done["type"] == SEARCH_CALL:
        return {**done, "arguments": Raw(object_text(arguments).encode())}
    return {**done, "arguments": arguments}


def event_logprobs(logprobs: Iterable[TokenLogprob]) -> list[Item]:
    """Return log probabilities as events carry them."""
    return [
        {
            "token": each.token,
            "logprob": each.logprob,
            "top_logprobs": [{"token": token, "logprob": value} for token, value in each.top],
        }
        for each in logprobs
    ]


def _with_bytes(each: TokenLogprob) -> Item:
    top = [
        {"token": token, "bytes": list(token.encode()), "logprob": value}
        for token, value in each.top
    ]
    own: Item = {"token": each.token, "bytes": list(each.token.encode()), "logprob": each.logprob}
    return {**own, "top_logprobs": top}
