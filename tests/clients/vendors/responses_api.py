"""OpenAI's Responses API."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from tests.clients.vendors.behaviour import Ask, Plan, plan
from tests.clients.vendors.strict import RefusedError, check

SEAL = "encrypted-by-openai"


def read(body: dict[str, Any]) -> Ask:
    """Check a request by the vendor's types and rules; return what it means."""
    shown = _published(body)
    for item in shown["input"] if isinstance(shown["input"], list) else ():
        if item.get("type") == "reasoning":
            item.setdefault("id", "rs")  # the types want one, the API only where it is stored
    check("responses-stream" if body.get("stream") else "responses", shown)
    items = body["input"]
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    calls = [each["call_id"] for each in items if each.get("type") == "function_call"]
    given = [each["call_id"] for each in items if each.get("type") == "function_call_output"]
    if sorted(calls) != sorted(given):
        raise RefusedError(f"input: calls {calls} but outputs {given}")
    for each in items:
        if each.get("type") == "reasoning" and each.get("encrypted_content") not in (None, SEAL):
            raise RefusedError("input: the encrypted content could not be verified")
    return _ask(body, items)


def _published(body: dict[str, Any]) -> dict[str, Any]:
    """Return a copy without what Codex sends to OpenAI and the published types don't know."""
    shown: dict[str, Any] = json.loads(json.dumps(body))
    shown.pop("client_metadata", None)
    for item in shown["input"] if isinstance(shown["input"], list) else ():
        item.pop("internal_chat_message_metadata_passthrough", None)
        if item.get("type") == "message" and item["role"] != "assistant":
            item.pop("id", None)
    return shown


def _ask(body: dict[str, Any], items: list[dict[str, Any]]) -> Ask:
    effort = (body.get("reasoning") or {}).get("effort")
    ask = Ask(thinks=effort not in (None, "none"), cap=body.get("max_output_tokens"))
    ask.texts += [body["instructions"]] if body.get("instructions") else []
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            texts = _content(item["content"], ask)
            ask.texts += texts
            if item["role"] == "user" and texts:
                ask.last = " ".join(texts)
                ask.begin_turn()
        elif kind == "function_call_output":
            ask.results += _content(item["output"], ask)
    choice = body.get("tool_choice")
    ask.forced = choice == "required" or isinstance(choice, dict)
    ask.tools = [each["name"] for each in body.get("tools") or () if each["type"] == "function"]
    if choice == "none":
        ask.tools = []
    wanted = (body.get("text") or {}).get("format") or {}
    ask.schema, ask.json = wanted.get("schema"), wanted.get("type") == "json_object"
    return ask


def _content(content: Any, ask: Ask) -> list[str]:
    if isinstance(content, str):
        return [content]
    texts = []
    for part in content:
        if part["type"] in ("input_text", "output_text"):
            texts.append(part["text"])
        elif part["type"] == "input_image":
            head, _, data = part["image_url"].partition(",")
            media = head.removeprefix("data:").removesuffix(";base64")
            ask.media.append(f"{media} of {len(base64.b64decode(data))} bytes")
    return texts


def _items(body: dict[str, Any], made: Plan) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if made.thought:
        shown = [{"type": "summary_text", "text": made.thought}]
        thought: dict[str, Any] = {"id": f"rs_{made.before}", "type": "reasoning", "summary": shown}
        if "reasoning.encrypted_content" in (body.get("include") or ()):
            thought["encrypted_content"] = SEAL
        items.append(thought)
    if made.text:
        kind = {"type": "output_text", "text": made.text, "annotations": [], "logprobs": []}
        if made.stop == "refusal":
            kind = {"type": "refusal", "refusal": made.text}
        status = "incomplete" if made.stop == "length" else "completed"
        message = {"id": f"msg_{made.before}", "type": "message", "role": "assistant"}
        items.append({**message, "status": status, "content": [kind]})
    for number, (name, arguments) in enumerate(made.calls, made.before):
        call = {"id": f"fc_{number}", "type": "function_call", "call_id": f"call_{number}"}
        call |= {"name": name, "arguments": json.dumps(arguments), "status": "completed"}
        items.append(call)
    return items


def _response(body: dict[str, Any], ask: Ask, made: Plan, *, done: bool) -> dict[str, Any]:
    cut = made.stop == "length"
    usage = {
        "input_tokens": ask.input,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": made.output,
        "output_tokens_details": {"reasoning_tokens": made.reasoning},
        "total_tokens": ask.input + made.output,
    }
    return {
        "id": f"resp_{made.before}",
        "object": "response",
        "created_at": 1,
        "status": ("incomplete" if cut else "completed") if done else "in_progress",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut and done else None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": body["model"],
        "output": _items(body, made) if done else [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "usage": usage if done else None,
    }


def answer(body: dict[str, Any], ask: Ask) -> dict[str, Any]:
    """Return a whole answer."""
    return _response(body, ask, plan(ask), done=True)


def stream(body: dict[str, Any], ask: Ask) -> Iterator[dict[str, Any]]:
    """Yield the events of an answer."""
    for number, event in enumerate(_events(body, ask, plan(ask))):
        yield {**event, "sequence_number": number}


def _events(body: dict[str, Any], ask: Ask, made: Plan) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": _response(body, ask, made, done=False)}
    for index, item in enumerate(_items(body, made)):
        for event in _item(index, item):
            yield event
            if made.breaks and event["type"].endswith(".delta"):
                failed = {"type": "error", "code": "server_error", "message": "it broke"}
                yield {**failed, "param": None}
                return
    end = "response.incomplete" if made.stop == "length" else "response.completed"
    yield {"type": end, "response": _response(body, ask, made, done=True)}


def _item(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    place = {"output_index": index, "item_id": item["id"]}
    empty: dict[str, dict[str, Any]] = {"message": {"content": []}, "reasoning": {"summary": []}}
    begun = {**item, **empty.get(item["type"], {"arguments": ""})}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    if item["type"] == "function_call":
        text = item["arguments"]
        for part in (text[:5], text[5:]):
            yield {"type": "response.function_call_arguments.delta", **place, "delta": part}
        done = {"type": "response.function_call_arguments.done", **place, "name": item["name"]}
        yield {**done, "arguments": text}
    elif item["type"] == "reasoning":
        yield from _summary(place, item["summary"][0])
    else:
        yield from _part(place, item["content"][0])
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _summary(place: dict[str, Any], part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    place = {**place, "summary_index": 0}
    start = {**part, "text": ""}
    yield {"type": "response.reasoning_summary_part.added", **place, "part": start}
    yield {"type": "response.reasoning_summary_text.delta", **place, "delta": part["text"]}
    yield {"type": "response.reasoning_summary_text.done", **place, "text": part["text"]}
    yield {"type": "response.reasoning_summary_part.done", **place, "part": part}


def _part(place: dict[str, Any], part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    place = {**place, "content_index": 0}
    field = "refusal" if part["type"] == "refusal" else "text"
    name = "response.refusal" if field == "refusal" else "response.output_text"
    more: dict[str, Any] = {} if field == "refusal" else {"logprobs": []}
    yield {"type": "response.content_part.added", **place, "part": {**part, field: ""}}
    words = part[field].split(" ")
    for number, word in enumerate(words):
        text = word if number == 0 else " " + word
        yield {"type": f"{name}.delta", **place, "delta": text, **more}
    yield {"type": f"{name}.done", **place, field: part[field], **more}
    yield {"type": "response.content_part.done", **place, "part": part}
