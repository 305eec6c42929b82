"""Google's Gemini API."""

import base64
from collections.abc import Iterator
from typing import Any

from tests.clients.vendors.behaviour import Ask, Plan, plan
from tests.clients.vendors.strict import RefusedError, check

SEAL = "c2VhbC1vZi1nZW1pbmk="
DUMMY_SEAL = "skip_thought_signature_validator"
_STOPS = {"end": "STOP", "length": "MAX_TOKENS", "tool": "STOP", "sequence": "STOP"}
_STOPS |= {"refusal": "SAFETY"}
_URLSAFE = str.maketrans("+/", "-_")  # the API takes both alphabets, as proto JSON does
_FREE: tuple[str, ...] = ("args", "response", "parameters", "responseSchema")
_FREE += ("parametersJsonSchema", "responseJsonSchema", "labels")
_CHECKED: tuple[str, ...] = (
    "contents",
    "tools",
    "toolConfig",
    "systemInstruction",
    "generationConfig",
)
_CHECKED += ("safetySettings", "labels", "cachedContent")


def read(model: str, body: dict[str, Any]) -> Ask:
    """Check a request by the vendor's types and rules; return what it means."""
    body = camel(body)
    unknown = body.keys() - set(_CHECKED)
    if unknown or not body.get("contents"):
        raise RefusedError(f"unknown name or missing contents: {sorted(unknown)}")
    for name, value in body.items():
        check(name, value)
    _check_turns(model, body["contents"])
    return _ask(body)


def camel(value: Any) -> Any:
    """Return JSON with its names in camelCase: the API takes both spellings."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name, each in value.items():
        first, *rest = name.split("_")
        spelled = first + "".join(word.capitalize() for word in rest)
        found[spelled] = each if spelled in _FREE else camel(each)
    return found


def _check_turns(model: str, contents: list[dict[str, Any]]) -> None:
    called: list[str] = []
    for number, content in enumerate(contents):
        parts = content.get("parts") or []
        if not parts:
            raise RefusedError(f"contents.{number}: parts must not be empty")
        given = [each["functionResponse"]["name"] for each in parts if "functionResponse" in each]
        if sorted(given) != sorted(called):
            raise RefusedError(f"contents.{number}: calls {called} but responses {given}")
        calls = [each for each in parts if "functionCall" in each]
        called = [each["functionCall"]["name"] for each in calls]
        signed = not calls or calls[0].get("thoughtSignature") in (SEAL, DUMMY_SEAL)
        if model.startswith("gemini-3") and not signed:
            raise RefusedError(f"contents.{number}: function call is missing its signature")
    if called:
        raise RefusedError(f"contents: calls {called} without responses")


def _ask(body: dict[str, Any]) -> Ask:
    config = body.get("generationConfig") or {}
    thinking = config.get("thinkingConfig") or {}
    ask = Ask(
        thinks=bool(thinking.get("includeThoughts")),
        cap=config.get("maxOutputTokens"),
        stops=config.get("stopSequences") or [],
    )
    system = (body.get("systemInstruction") or {}).get("parts") or []
    ask.texts += [each["text"] for each in system]
    for content in body["contents"]:
        _take(content, ask)
    ours = [tool for tool in body.get("tools") or () if "functionDeclarations" in tool]
    declared = [each for tool in ours for each in tool["functionDeclarations"]]
    mode = ((body.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode")
    ask.tools = [] if mode == "NONE" else [each["name"] for each in declared]
    ask.forced = mode == "ANY"
    ask.json = config.get("responseMimeType") == "application/json"
    ask.schema = config.get("responseJsonSchema") or config.get("responseSchema")
    return ask


def _take(content: dict[str, Any], ask: Ask) -> None:
    texts = []
    for part in content["parts"]:
        if "text" in part and not part.get("thought"):
            texts.append(part["text"])
        for inline in _inline(part):
            data = base64.urlsafe_b64decode(inline["data"].translate(_URLSAFE))
            ask.media.append(f"{inline['mimeType']} of {len(data)} bytes")
        if "functionResponse" in part:
            ask.results.append(str(next(iter(part["functionResponse"]["response"].values()))))
    ask.texts += texts
    if content.get("role", "user") == "user" and texts:
        ask.last = " ".join(texts)
        if not any("functionResponse" in part for part in content["parts"]):
            ask.begin_turn()


def _inline(part: dict[str, Any]) -> list[dict[str, Any]]:
    nested = (part.get("functionResponse") or {}).get("parts") or []
    return [each["inlineData"] for each in [part, *nested] if "inlineData" in each]


def _usage(ask: Ask, made: Plan) -> dict[str, Any]:
    spoken = made.output - made.reasoning
    found = {"promptTokenCount": ask.input, "candidatesTokenCount": spoken}
    if made.reasoning:
        found["thoughtsTokenCount"] = made.reasoning
    return {**found, "totalTokenCount": ask.input + made.output}


def _chunk(model: str, made: Plan, parts: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": parts}, "index": 0}
    finish = more.pop("finish", None)
    if finish:
        candidate["finishReason"] = finish
    shown = {"candidates": [candidate], **more, "modelVersion": model}
    return {**shown, "responseId": f"resp-{made.before}"}


def _calls(made: Plan) -> list[dict[str, Any]]:
    calls = []
    for number, (name, arguments) in enumerate(made.calls):
        call: dict[str, Any] = {"functionCall": {"name": name, "args": arguments}}
        calls.append(call | ({"thoughtSignature": SEAL} if number == 0 else {}))
    return calls


def answer(model: str, ask: Ask) -> dict[str, Any]:
    """Return a whole answer."""
    made = plan(ask)
    parts: list[dict[str, Any]] = []
    if made.thought:
        parts.append({"text": made.thought, "thought": True})
    if made.text and made.stop != "refusal":
        parts.append({"text": made.text})
    parts += _calls(made)
    usage = _usage(ask, made)
    return _chunk(model, made, parts, usageMetadata=usage, finish=_STOPS[made.stop])


def stream(model: str, ask: Ask) -> Iterator[dict[str, Any]]:
    """Yield the chunks of an answer."""
    made = plan(ask)
    early = {"promptTokenCount": ask.input, "totalTokenCount": ask.input}
    if made.thought:
        yield _chunk(model, made, [{"text": made.thought, "thought": True}], usageMetadata=early)
    words = [] if made.stop == "refusal" else made.words
    for number, word in enumerate(words):
        text = word if number == 0 else " " + word
        yield _chunk(model, made, [{"text": text}], usageMetadata=early)
        if made.breaks:
            yield {"error": {"code": 503, "message": "it broke", "status": "UNAVAILABLE"}}
            return
    usage = _usage(ask, made)
    last = _calls(made) or [{"text": ""}]
    yield _chunk(model, made, last, usageMetadata=usage, finish=_STOPS[made.stop])


def embed(body: dict[str, Any]) -> list[float]:
    """Return an embedding: the number of letters, then zeros."""
    check("content", body["content"])
    text = " ".join(part["text"] for part in body["content"]["parts"])
    return [float(len(text))] + [0.0] * (body.get("outputDimensionality", 4) - 1)
