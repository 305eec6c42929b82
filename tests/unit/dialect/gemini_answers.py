"""Answers of Gemini's, as the vendor's documentation shows them, and ways to cut them up."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pai.dialect.gemini import GENERATE_VENDOR
from pai.dialect.reply import Event

USAGE = {
    "promptTokenCount": 11,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 30,
    "cachedContentTokenCount": 4,
    "toolUsePromptTokenCount": 2,
    "totalTokenCount": 63,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 11}],
}
NAMES = {"modelVersion": "gemini-3-flash", "responseId": "r1"}


def candidate(*parts: Mapping[str, Any], index: int = 0, **more: Any) -> dict[str, Any]:
    """Return a candidate, or a piece of one."""
    return {"content": {"parts": list(parts), "role": "model"}, "index": index, **more}


def answer(*candidates: Mapping[str, Any], usage: Any = USAGE, **more: Any) -> bytes:
    """Return an answer, or a piece of a stream."""
    body: dict[str, Any] = {"candidates": list(candidates), **NAMES, **more}
    return json.dumps(body if usage is None else {**body, "usageMetadata": usage}).encode()


def event(data: bytes, end: bytes = b"\r\n\r\n") -> bytes:
    """Return a server-sent event."""
    return b"data: " + data + end


def cut(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Return the pieces between the cuts."""
    edges = [0, *sorted(min(each, len(data)) for each in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def events_of(*chunks: bytes) -> list[Event]:
    """Return the events of a whole stream."""
    reader = GENERATE_VENDOR.reader()
    found = [each for chunk in chunks for each in reader.feed(chunk)]
    return found + reader.finish()
