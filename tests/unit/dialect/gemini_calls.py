"""Short ways to write requests of Google's clients and read what they mean."""

import json
from collections.abc import Mapping
from typing import Any

from pai.dialect.conversation import Conversation
from pai.dialect.gemini import GENERATE_CLIENT, GENERATE_VENDOR, GenerateRequest
from pai.dialect.sides import Call

USER = {"role": "user", "parts": [{"text": "hi"}]}
SSE = {"alt": "sse"}


def request(
    *contents: Any,
    method: str = "generateContent",
    query: Mapping[str, str] = {},
    **fields: Any,
) -> GenerateRequest:
    """Return a request, read; of one content when none is given."""
    body = json.dumps({"contents": contents or [USER], **fields}).encode()
    return read(body, method, query)


def read(
    body: bytes, method: str = "generateContent", query: Mapping[str, str] = {}
) -> GenerateRequest:
    """Return a request, read."""
    reading = GENERATE_CLIENT.read(Call(body, "fast", method, query))
    assert isinstance(reading, GenerateRequest)
    return reading


def meaning(*contents: Any, **fields: Any) -> Conversation:
    """Return what a request means."""
    return request(*contents, **fields).meaning()


def content(role: str, *parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return one content."""
    return {"role": role, "parts": list(parts)}


def sent(body: bytes) -> dict[str, Any]:
    """Return a body as a value."""
    found = json.loads(body)
    assert isinstance(found, dict)
    return found


def written(talk: Conversation, model: str = "gemini-3-flash-preview") -> dict[str, Any]:
    """Return the request for a model."""
    return sent(GENERATE_VENDOR.write(talk, model, 100).body)
