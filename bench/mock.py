"""The upstream of every measurement: answers chat completions, plain or as 20 events.

`python bench/mock.py PORT [CERT KEY]`. Written for speed, not for correctness: it reads one request
at a time and answers from memory.
"""

import asyncio
import json
import ssl
import sys

import uvloop

USAGE = {"prompt_tokens": 200, "completion_tokens": 20, "total_tokens": 220}
HEAD = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-test"}


def plain_answer() -> bytes:
    """One chat completion of about 700 bytes."""
    message = {"role": "assistant", "content": "word " * 100}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE})
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body.encode()


def event(document: dict[str, object]) -> bytes:
    """One server-sent event as one chunk."""
    data = b"data: " + json.dumps(document).encode() + b"\n\n"
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def stream_answer() -> list[bytes]:
    """The head, 20 events, usage, and the end: each its own write."""
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    delta = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
    events = [event({**HEAD, "choices": [delta]}) for _ in range(20)]
    usage = event({**HEAD, "choices": [], "usage": USAGE})
    return [head, *events, usage, b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"]


PLAIN, STREAM = plain_answer(), stream_answer()


class Mock(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert hasattr(transport, "write")
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            length = 0
            if b"content-length: " in head:
                length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            self.answer(b'"stream":true' in body or b'"stream": true' in body)

    def answer(self, stream: bool) -> None:
        """Write the answer; a stream's parts go out in separate turns of the loop."""
        if stream:
            self.next_part(0)
        else:
            self.transport.write(PLAIN)

    def next_part(self, at: int) -> None:
        """Write one part of the stream and come back for the next."""
        self.transport.write(STREAM[at])
        if at + 1 < len(STREAM):
            asyncio.get_running_loop().call_soon(self.next_part, at + 1)


async def main(port: int, tls: ssl.SSLContext | None) -> None:
    """Serve until ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Mock, "127.0.0.1", port, ssl=tls, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
    uvloop.run(main(int(sys.argv[1]), context))
