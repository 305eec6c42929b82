"""OpenAI's API: chat, completions, embeddings. OpenRouter's too, with its reasoning details."""

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

from tests.clients.vendors.behaviour import Ask, Plan, plan
from tests.clients.vendors.strict import RefusedError, check

NEWER = ("o1", "o3", "o4", "gpt-5")
_STOPS = {"end": "stop", "length": "length", "tool": "tool_calls", "sequence": "stop"}
_OPENROUTER = ("reasoning", "provider", "transforms", "usage")


def read_chat(body: dict[str, Any], *, openrouter: bool) -> Ask:
    """Check a chat request by the vendor's types and rules; return what it means."""
    shown = json.loads(json.dumps(body))
    thinks = bool(body.get("reasoning_effort") not in (None, "none"))
    if openrouter:
        thinks = thinks or bool(shown.get("reasoning"))
        for name in _OPENROUTER:
            shown.pop(name, None)
        for message in shown.get("messages", []):
            message.pop("reasoning_details", None)
            message.pop("reasoning_content", None)
            message.pop("reasoning", None)
    check("chat-stream" if body.get("stream") else "chat", shown)
    _check_rules(body)
    return _ask(body, thinks)


def _check_rules(body: dict[str, Any]) -> None:
    if body["model"].startswith(NEWER) and "max_tokens" in body:
        raise RefusedError("max_tokens: not supported with this model; use max_completion_tokens")
    if body["model"].startswith(NEWER) and body.get("temperature", 1) != 1:
        raise RefusedError("temperature: only the default (1) is supported with this model")
    if "stream_options" in body and not body.get("stream"):
        raise RefusedError("stream_options: only with stream")
    if not body["messages"]:
        raise RefusedError("messages: too short")
    waiting: set[str] = set()
    for number, message in enumerate(body["messages"]):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise RefusedError(f"messages.{number}: no such tool call")
            waiting.discard(message["tool_call_id"])
            continue
        if waiting:
            raise RefusedError(f"messages.{number}: tool calls without results: {waiting}")
        waiting = {call["id"] for call in message.get("tool_calls") or ()}
    if waiting:
        raise RefusedError(f"messages: tool calls without results: {waiting}")


def _ask(body: dict[str, Any], thinks: bool) -> Ask:
    ask = Ask(thinks=thinks, cap=body.get("max_completion_tokens") or body.get("max_tokens"))
    for message in body["messages"]:
        texts = _content(message.get("content"), ask)
        ask.texts += texts
        if message["role"] == "user" and texts:
            ask.last = " ".join(texts)
            ask.begin_turn()
        if message["role"] == "tool":
            ask.results += texts
    ask.tools = [each["function"]["name"] for each in body.get("tools") or ()]
    choice = body.get("tool_choice")
    ask.forced = choice == "required" or isinstance(choice, dict)
    if choice == "none":
        ask.tools = []
    wanted = body.get("response_format") or {}
    ask.json = wanted.get("type") == "json_object"
    ask.schema = wanted.get("json_schema", {}).get("schema")
    stop = body.get("stop")
    ask.stops = [stop] if isinstance(stop, str) else stop or []
    return ask


def _content(content: Any, ask: Ask) -> list[str]:
    if isinstance(content, str):
        return [content]
    texts = []
    for part in content or ():
        if part["type"] in ("text", "refusal"):
            texts.append(part.get("text") or part.get("refusal"))
        elif part["type"] == "image_url":
            ask.media.append(_seen(part["image_url"]["url"]))
        elif part["type"] == "file":
            ask.media.append(_seen(part["file"]["file_data"]))
    return texts


def _seen(url: str) -> str:
    if not url.startswith("data:"):
        return url
    head, _, data = url.partition(",")
    return f"{head[5:].removesuffix(';base64')} of {len(base64.b64decode(data))} bytes"


def usage(ask: Ask, made: Plan) -> dict[str, Any]:
    """Return the figures of an answer."""
    return {
        "prompt_tokens": ask.input,
        "completion_tokens": made.output,
        "total_tokens": ask.input + made.output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": made.reasoning},
    }


def chat(model: str, ask: Ask, *, openrouter: bool) -> dict[str, Any]:
    """Return a whole answer."""
    made = plan(ask)
    message: dict[str, Any] = {"role": "assistant", "content": made.text or None, "refusal": None}
    if made.stop == "refusal":
        message = {"role": "assistant", "content": None, "refusal": made.text}
    if made.thought and openrouter:
        message |= {"reasoning": made.thought, "reasoning_details": _details(made.thought)}
    if made.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{made.before + number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for number, (name, arguments) in enumerate(made.calls)
        ]
    choice = {"index": 0, "message": message, "logprobs": None}
    choice["finish_reason"] = _STOPS.get(made.stop, "stop")
    answer: dict[str, Any] = {"id": f"chatcmpl-{made.before}", "object": "chat.completion"}
    answer |= {"created": 1, "model": model}
    return {**answer, "choices": [choice], "usage": usage(ask, made)}


def _details(thought: str) -> list[dict[str, Any]]:
    return [{"type": "reasoning.text", "text": thought, "signature": "sig-or", "index": 0}]


def chat_stream(
    model: str, ask: Ask, *, wants_usage: bool, openrouter: bool
) -> Iterator[dict[str, Any] | str]:
    """Yield the chunks of an answer, and [DONE]."""
    made = plan(ask)
    head: dict[str, Any] = {"id": f"chatcmpl-{made.before}", "object": "chat.completion.chunk"}
    head |= {"created": 1, "model": model}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        shown: dict[str, Any] = {**head, "choices": [choice]}
        return {**shown, "usage": None} if wants_usage else shown

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    if made.thought and openrouter:
        yield chunk({"reasoning": made.thought, "reasoning_details": _details(made.thought)})
    field = "refusal" if made.stop == "refusal" else "content"
    for number, word in enumerate(made.words):
        yield chunk({field: word if number == 0 else " " + word})
        if made.breaks:
            yield {"error": {"message": "it broke", "type": "server_error", "code": None}}
            return
    for number, (name, arguments) in enumerate(made.calls):
        text = json.dumps(arguments)
        function = {"name": name, "arguments": ""}
        call = {"index": number, "id": f"call_{made.before + number}", "type": "function"}
        yield chunk({"tool_calls": [call | {"function": function}]})
        for part in (text[:5], text[5:]):
            yield chunk({"tool_calls": [{"index": number, "function": {"arguments": part}}]})
    yield chunk({}, _STOPS.get(made.stop, "stop"))
    if wants_usage:
        yield {**head, "choices": [], "usage": usage(ask, made)}
    yield "[DONE]"


def completion(body: dict[str, Any]) -> dict[str, Any]:
    """Return a legacy completion."""
    check("completions", body)
    ask = Ask(texts=[body["prompt"]], last=body["prompt"], cap=body.get("max_tokens", 16))
    made = plan(ask)
    choice = {"text": made.text, "index": 0, "logprobs": None}
    choice["finish_reason"] = _STOPS.get(made.stop, "stop")
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": body["model"]}
    return {**head, "choices": [choice], "usage": usage(ask, made)}


def embeddings(body: dict[str, Any]) -> dict[str, Any]:
    """Return embeddings: the number of letters, then zeros."""
    check("embeddings", body)
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    size = body.get("dimensions", 4)
    vectors = [[float(len(text))] + [0.0] * (size - 1) for text in texts]
    packed = body.get("encoding_format") == "base64"
    data = [
        {
            "object": "embedding",
            "index": number,
            "embedding": base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
            if packed
            else vector,
        }
        for number, vector in enumerate(vectors)
    ]
    tokens = sum(len(text.split()) for text in texts)
    figures = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body["model"], "usage": figures}
