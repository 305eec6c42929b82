"""Short ways to write chat requests and read their meaning."""

import json
from typing import Any

from pai.dialect.conversation import Conversation
from pai.dialect.openai import ChatRequest, read_request

USER = {"role": "user", "content": "hi"}


def chat(*messages: dict[str, Any], **fields: Any) -> ChatRequest:
    """Return a request, read; of one message when none is given."""
    return read_request(json.dumps({"messages": messages or [USER], **fields}).encode())


def meaning(*messages: dict[str, Any], **fields: Any) -> Conversation:
    """Return what a request means."""
    return chat(*messages, **fields).meaning()
