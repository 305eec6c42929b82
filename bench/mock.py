"""The upstream of every measurement: chat completions and Messages, plain or as events.

`python -m bench.mock PORT [--events N] [--tls CERT KEY]`. Written for speed, not for correctness:
it reads one request at a time and answers from memory. A stream whose prompt says SLOWLY has an
event each PAUSE_SECONDS and no end.
"""

import argparse
import asyncio
import ssl
from collections.abc import Sequence

import uvloop

from bench import answers
from bench.answers import Answers

EVENTS = 20
SLOWLY = "slowly"
PAUSE_SECONDS = 0.1
PLAIN, STREAM, _ = answers.chat(EVENTS)
_FIRST_PARTS = 3  # by then both vendors have begun their text


class Mock(asyncio.Protocol):
    """One connection."""

    def __init__(self, chat: Answers, messages: Answers) -> None:
        self.chat, self.messages = chat, messages
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
            asked = head.split(b"\r\n", 1)[0]
            self.answer(self.messages if b"/messages" in asked else self.chat, body)

    def answer(self, given: Answers, body: bytes) -> None:
        """Write the answer; a stream's parts go out in separate turns of the loop."""
        if not (b'"stream":true' in body or b'"stream": true' in body):
            self.transport.write(given.plain)
        elif SLOWLY.encode() in body:
            self.transport.write(b"".join(given.stream[:_FIRST_PARTS]))
            self.next_slowly(given.event)
        else:
            self.next_part(given.stream, 0)

    def next_part(self, stream: Sequence[bytes], at: int) -> None:
        """Write one part of the stream and come back for the next."""
        if self.transport.is_closing():
            return
        self.transport.write(stream[at])
        if at + 1 < len(stream):
            asyncio.get_running_loop().call_soon(self.next_part, stream, at + 1)

    def next_slowly(self, event: bytes) -> None:
        """Write an event now and then until the reader is gone."""
        if self.transport.is_closing():
            return
        self.transport.write(event)
        asyncio.get_running_loop().call_later(PAUSE_SECONDS, self.next_slowly, event)


async def serve(port: int, events: int, tls: ssl.SSLContext | None) -> None:
    """Serve until ended."""
    chat, messages = answers.chat(events), answers.messages(events)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Mock(chat, messages), "127.0.0.1", port, ssl=tls, backlog=1024
    )
    await server.serve_forever()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="bench.mock", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    options = parser.parse_args()
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    uvloop.run(serve(options.port, options.events, context))


if __name__ == "__main__":
    main()
