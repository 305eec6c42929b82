"""A small OpenAI-compatible server that follows a script instead of asking a model.

For demonstrations and tests without a vendor's key: `server.py --port 18001 --key-file FILE`.
It answers `/v1/models` and `/v1/chat/completions`, plain and streamed, with usage, and asks for
the first tool once when the caller offers any. Every answer says that it is scripted.
"""

import argparse
import hmac
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODEL = "scripted-1"
BODY_LIMIT_BYTES = 1 << 20
_IDLE = frozenset(
    ("the", "and", "that", "this", "with", "from", "have", "was", "for", "are", "not", "but")
)


def tokens(text: str) -> int:
    """Count tokens as this server bills them: four characters each, rounded up."""
    return -(-len(text) // 4)


def text_of(message: dict[str, Any]) -> str:
    """Return a message's text, also of one in parts."""
    content = message.get("content") or ""
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content)
    return str(content)


def digest(text: str) -> str:
    """Write the report: what stands out in a text, by counting."""
    words = re.findall(r"[^\W\d_]{3,}", text.lower())
    sentences = [part.strip() for part in re.split(r"(?<=[.!?])\s+", text) if part.strip()]
    frequent = [word for word, _ in Counter(w for w in words if w not in _IDLE).most_common(5)]
    lead = sentences[0] if sentences else "The text is empty."
    longest = max(sentences, key=len, default="")
    return "\n".join(
        [
            "(Written by Pai's scripted model server: it counts words, it does not think.)",
            "",
            f"In short: {lead}",
            "",
            f"- {len(words)} words in {len(sentences)} sentences",
            f"- It keeps coming back to: {', '.join(frequent) or 'nothing'}",
            f"- The sentence with most in it: {longest[:200]}",
        ]
    )


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Decide on the assistant's message: a tool call first when there are tools, then the report.

    The text in question is the first message of the user.
    """
    messages = request.get("messages") or []
    asked = next((text_of(entry) for entry in messages if entry.get("role") == "user"), "")
    offered = request.get("tools") or []
    if offered and not any(entry.get("role") == "tool" for entry in messages):
        title = (re.split(r"(?<=[.!?])\s|\n", asked.strip())[0] or "Untitled")[:80]
        arguments = json.dumps({"title": title, "text": f"{len(asked.split())} words were read."})
        function = {"name": offered[0]["function"]["name"], "arguments": arguments}
        call = {"id": f"call_{time.time_ns():x}", "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    return {"role": "assistant", "content": digest(asked)}


def usage(request: dict[str, Any], message: dict[str, Any]) -> dict[str, int]:
    """Bill the request's messages and the answer."""
    prompt = tokens(json.dumps(request.get("messages") or []))
    completion = tokens(json.dumps(message))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def chunks(request: dict[str, Any], message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Cut an answer into the deltas of a stream; the usage comes last, if it was asked for."""
    if message.get("tool_calls"):
        calls = [{"index": i, **call} for i, call in enumerate(message["tool_calls"])]
        yield {"choices": [_delta({"role": "assistant", "tool_calls": calls})]}
    else:
        yield {"choices": [_delta({"role": "assistant", "content": ""})]}
        for word in re.findall(r"\S+\s*|\s+", message["content"]):
            yield {"choices": [_delta({"content": word})]}
    yield {"choices": [_delta({}, finish_reason(message))]}
    if (request.get("stream_options") or {}).get("include_usage"):
        yield {"choices": [], "usage": usage(request, message)}


def _delta(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": reason}


def finish_reason(message: dict[str, Any]) -> str:
    """Name why the answer ended."""
    return "tool_calls" if message.get("tool_calls") else "stop"


class Handler(BaseHTTPRequestHandler):
    """One connection. `key` is set on the class by `main`."""

    protocol_version = "HTTP/1.1"
    server_version = "pai-scripted-llm"
    key = ""

    def do_GET(self) -> None:
        """Answer the list of models."""
        if self.path == "/healthz":
            self._json(200, {"scripted": True})
        elif not self._admitted():
            return
        elif self.path == "/v1/models":
            model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "pai-scripted"}
            self._json(200, {"object": "list", "data": [model]})
        else:
            self._refuse(404, "not_found", f"no such path: {self.path}")

    def do_POST(self) -> None:
        """Answer a chat completion."""
        request = self._request()
        if request is None or not self._admitted():
            return
        if self.path != "/v1/chat/completions":
            self._refuse(404, "not_found", f"no such path: {self.path}")
            return
        message = answer(request)
        head = {"id": f"chatcmpl-{time.time_ns():x}", "created": int(time.time()), "model": MODEL}
        if request.get("stream"):
            self._stream(chunks(request, message), head)
            return
        choice = {"index": 0, "message": message, "finish_reason": finish_reason(message)}
        body = {**head, "object": "chat.completion", "choices": [choice]}
        self._json(200, {**body, "usage": usage(request, message)})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say what was asked for; never a header."""
        print(f"scripted model server: {format % args}", flush=True)

    def _admitted(self) -> bool:
        given = self.headers.get("authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self.key}".encode()):
            return True
        self._refuse(401, "invalid_api_key", "this key is not the server's")
        return False

    def _request(self) -> dict[str, Any] | None:
        try:
            size = int(self.headers.get("content-length", ""))
            if size > BODY_LIMIT_BYTES:
                raise ValueError("body too large")
            request = json.loads(self.rfile.read(size))
            if not isinstance(request, dict):
                raise ValueError("not an object")
        except ValueError as error:
            self.close_connection = True
            self._refuse(400, "invalid_request_error", str(error))
            return None
        return request

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._json(status, {"error": {"message": message, "type": code, "code": code}})

    def _json(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, parts: Iterator[dict[str, Any]], head: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        shape = {**head, "object": "chat.completion.chunk"}
        events = (json.dumps({**shape, **part}) for part in parts)
        for event in (*events, "[DONE]"):
            data = f"data: {event}\n\n".encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description="a scripted OpenAI-compatible server")
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    parser.add_argument("--key-file", type=Path, required=True, help="file with the API key")
    asked = parser.parse_args()
    Handler.key = asked.key_file.read_text().strip()
    with ThreadingHTTPServer(("127.0.0.1", asked.port), Handler) as server:
        print(f"scripted model server on 127.0.0.1:{asked.port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
