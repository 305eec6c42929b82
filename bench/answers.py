"""What the mock vendor answers: chat completions and Messages, whole and as streams."""

import json
from typing import NamedTuple

Document = dict[str, object]

_USAGE = {"prompt_tokens": 200, "completion_tokens": 20, "total_tokens": 220}
_CHUNK: Document = {
    "id": "c1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "gpt-test",
}
_MESSAGE: Document = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "stop_sequence": None,
}
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
_STREAM_END = b"0\r\n\r\n"
_TEXT = "word " * 100


class Answers(NamedTuple):
    """One vendor's answers. stream: the parts, each its own write. event: one of its middle."""

    plain: bytes
    stream: list[bytes]
    event: bytes


def chat(events: int) -> Answers:
    """Return chat completions: about 700 bytes, or `events` events, usage and the end."""
    message = {"role": "assistant", "content": _TEXT}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {**_CHUNK, "object": "chat.completion", "choices": [choice], "usage": _USAGE}
    delta = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
    event = _event({**_CHUNK, "choices": [delta]})
    usage = _event({**_CHUNK, "choices": [], "usage": _USAGE})
    end = _chunk(b"data: [DONE]\n\n") + _STREAM_END
    return Answers(_whole(body), [_STREAM_HEAD, *[event] * events, usage, end], event)


def messages(events: int) -> Answers:
    """Return Anthropic's messages, like those of `chat`."""
    content = [{"type": "text", "text": _TEXT}]
    usage = {"input_tokens": 200, "output_tokens": 20}
    body = {**_MESSAGE, "content": content, "stop_reason": "end_turn", "usage": usage}
    begun = {**_MESSAGE, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    block = {"type": "text", "text": ""}
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    delta = {"type": "text_delta", "text": "word "}
    event = _named({"type": "content_block_delta", "index": 0, "delta": delta})
    before = [
        _named({"type": "message_start", "message": begun}),
        _named({"type": "content_block_start", "index": 0, "content_block": block}),
    ]
    after = [
        _named({"type": "content_block_stop", "index": 0}),
        _named({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 20}}),
        _named({"type": "message_stop"}) + _STREAM_END,
    ]
    return Answers(_whole(body), [_STREAM_HEAD, *before, *[event] * events, *after], event)


def _whole(body: Document) -> bytes:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(text)}"
    return head.encode() + b"\r\n\r\n" + text


def _event(document: Document) -> bytes:
    return _chunk(b"data: " + json.dumps(document).encode() + b"\n\n")


def _named(document: Document) -> bytes:
    name = str(document["type"]).encode()
    return _chunk(b"event: " + name + b"\ndata: " + json.dumps(document).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
