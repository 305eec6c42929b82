"""Anthropic's Messages API."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from tests.clients.vendors.behaviour import Ask, Plan, plan
from tests.clients.vendors.strict import RefusedError, check

SEAL = "c2VhbC1vZi1hbnRocm9waWM="
_STOPS = {"end": "end_turn", "length": "max_tokens", "tool": "tool_use"}
_STOPS |= {"sequence": "stop_sequence", "refusal": "refusal"}
_SAMPLING = ("temperature", "top_p", "top_k")
_BETA = ("betas", "context_management", "mcp_servers", "speed")


def read(body: dict[str, Any], version: str, *, count: bool = False) -> Ask:
    """Check a request by the vendor's types and rules; return what it means."""
    if body.get("thread"):
        raise RefusedError("thread: this server keeps nothing")
    older = _SAMPLING if version == "2023-06-01" else ()  # the newer version has them no more
    shown = {name: value for name, value in body.items() if name not in (*_BETA, *older)}
    kind = "count" if count else "messages-stream" if body.get("stream") else "messages"
    check(kind, shown)
    thinking = body.get("thinking") or {"type": "disabled"}
    if not count:
        _check_thinking(body, thinking)
    _check_turns(body["messages"], thinks=thinking["type"] != "disabled")
    return _ask(body, thinks=thinking["type"] != "disabled")


def _check_thinking(body: dict[str, Any], thinking: dict[str, Any]) -> None:
    budget = thinking.get("budget_tokens")
    if budget is not None and not 1024 <= budget < body["max_tokens"]:
        raise RefusedError("thinking.budget_tokens: at least 1024 and below max_tokens")
    if thinking["type"] == "disabled":
        return
    if body.get("temperature", 1) != 1:
        raise RefusedError("temperature: only 1 with thinking")
    if (body.get("tool_choice") or {"type": "auto"})["type"] in ("any", "tool"):
        raise RefusedError("tool_choice: thinking does not go with a forced tool")


def _check_turns(messages: list[dict[str, Any]], *, thinks: bool) -> None:
    if not messages or messages[0]["role"] != "user":
        raise RefusedError("messages: the first must be the user's")
    before: list[dict[str, Any]] = []
    for number, message in enumerate(messages):
        place, blocks = f"messages.{number}", _blocks(message["content"])
        if not blocks and number < len(messages) - 1:
            raise RefusedError(f"{place}: empty content")
        _check_blocks(place, blocks)
        _check_results(place, before, blocks)
        before = blocks if message["role"] == "assistant" else []
        kinds = [each["type"] for each in blocks]
        sealed = "tool_use" not in kinds or kinds[0] in ("thinking", "redacted_thinking")
        if thinks and number == len(messages) - 2 and not sealed:
            raise RefusedError(f"{place}: expected thinking, found {kinds[0]}")
    if any(each["type"] == "tool_use" for each in before):
        raise RefusedError("messages: tool_use without tool_result")


def _check_blocks(place: str, blocks: list[dict[str, Any]]) -> None:
    for block in blocks:
        if block["type"] == "text" and not block["text"].strip():
            raise RefusedError(f"{place}: text must have something in it")
        if block["type"] == "thinking" and block["signature"] != SEAL:
            raise RefusedError(f"{place}: invalid signature in thinking block")


def _check_results(place: str, before: list[dict[str, Any]], blocks: list[dict[str, Any]]) -> None:
    called = {each["id"] for each in before if each["type"] == "tool_use"}
    given = [each["tool_use_id"] for each in blocks if each["type"] == "tool_result"]
    if called != set(given) or len(given) != len(set(given)):
        raise RefusedError(f"{place}: tool_use {called} but tool_result {given}")
    if any(each["type"] == "tool_result" for each in blocks[len(given) :]):
        raise RefusedError(f"{place}: tool_result blocks come first")


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _ask(body: dict[str, Any], *, thinks: bool) -> Ask:
    ask = Ask(thinks=thinks, cap=body.get("max_tokens"), stops=body.get("stop_sequences") or [])
    ask.texts += [each["text"] for each in _blocks(body.get("system") or [])]
    for message in body["messages"]:
        texts = []
        for block in _blocks(message["content"]):
            if block["type"] == "text":
                texts.append(block["text"])
            elif block["type"] in ("image", "document"):
                ask.media.append(_seen(block["source"]))
            elif block["type"] == "tool_result":
                found = _blocks(block.get("content") or [])
                ask.results.append(" ".join(map(_said, found)))
                ask.media += [_seen(each["source"]) for each in found if each["type"] == "image"]
        ask.texts += texts
        if message["role"] == "user" and texts:
            ask.last = " ".join(texts)
            if not any(each["type"] == "tool_result" for each in _blocks(message["content"])):
                ask.begin_turn()
    choice = (body.get("tool_choice") or {"type": "auto"})["type"]
    ask.tools = [] if choice == "none" else [each["name"] for each in body.get("tools") or ()]
    ask.forced = choice in ("any", "tool")
    ask.schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
    return ask


def _said(block: dict[str, Any]) -> str:
    return str(block.get("text") or block.get("tool_name") or "")


def _seen(source: dict[str, Any]) -> str:
    if source["type"] == "base64":
        return f"{source['media_type']} of {len(base64.b64decode(source['data']))} bytes"
    return str(source.get("url") or source.get("data"))


def _usage(ask: Ask, output: int) -> dict[str, Any]:
    cache = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": min(3, ask.input)}
    return {"input_tokens": ask.input - min(3, ask.input), **cache, "output_tokens": output}


def _content(made: Plan) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if made.thought:
        blocks.append({"type": "thinking", "thinking": made.thought, "signature": SEAL})
    if made.text:
        blocks.append({"type": "text", "text": made.text, "citations": None})
    for number, (name, arguments) in enumerate(made.calls, made.before):
        call = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": arguments}
        blocks.append(call)
    return blocks


def message(model: str, ask: Ask) -> dict[str, Any]:
    """Return a whole answer."""
    made = plan(ask)
    head = {"id": f"msg_{made.before}", "type": "message", "role": "assistant", "model": model}
    stop = {"stop_reason": _STOPS[made.stop], "stop_sequence": made.sequence or None}
    return {**head, "content": _content(made), **stop, "usage": _usage(ask, made.output)}


def stream(model: str, ask: Ask) -> Iterator[dict[str, Any]]:
    """Yield the events of an answer."""
    made = plan(ask)
    start: dict[str, Any] = {"id": f"msg_{made.before}", "type": "message", "model": model}
    start |= {"role": "assistant", "content": [], "usage": _usage(ask, 1)}
    start |= {"stop_reason": None, "stop_sequence": None}
    yield {"type": "message_start", "message": start}
    yield {"type": "ping"}
    for index, block in enumerate(_content(made)):
        empty, deltas = _deltas(block)
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
            if made.breaks:
                yield {
                    "type": "error",
                    "error": {"type": "overloaded_error", "message": "it broke"},
                }
                return
        yield {"type": "content_block_stop", "index": index}
    stop = {"stop_reason": _STOPS[made.stop], "stop_sequence": made.sequence or None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": made.output}}
    yield {"type": "message_stop"}


def _deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if block["type"] == "text":
        words = block["text"].split(" ")
        texts = [words[0], *(" " + word for word in words[1:])]
        deltas = [{"type": "text_delta", "text": text} for text in texts]
        return {"type": "text", "text": ""}, deltas
    if block["type"] == "thinking":
        thought = {"type": "thinking_delta", "thinking": block["thinking"]}
        seal = {"type": "signature_delta", "signature": block["signature"]}
        return {"type": "thinking", "thinking": "", "signature": ""}, [thought, seal]
    text = json.dumps(block["input"])
    parts = ["", text[:5], text[5:]]
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    return {**block, "input": {}}, deltas
