"""The agent of the end-to-end tests: it does whatever it is told, as an attacker would.

Seeded into the container as a config file. POST /run: the body is Python, the answer what it
printed.
GET /events: three server-sent events. GET /socket with Upgrade: a WebSocket that echoes text.
"""

import base64
import contextlib
import hashlib
import io
import os
import signal
import sys
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Probe(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Run the body."""
        code = self.rfile.read(int(self.headers["content-length"])).decode()
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(code, {"__name__": "probe"})
        except BaseException:
            printed.write(traceback.format_exc())
        self.answer(printed.getvalue().encode())

    def do_GET(self) -> None:
        """Serve the streams, and what headers arrived for every other path."""
        if self.path == "/events":
            self.events()
        elif self.path == "/socket":
            self.socket_echo()
        else:
            self.answer(str(self.headers).encode())

    def answer(self, body: bytes) -> None:
        """Send a plain answer."""
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def events(self) -> None:
        """Send events a moment apart; a proxy that buffers would deliver them together."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for number in range(3):
            self.wfile.write(f"data: {number} {time.time()}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.3)
        self.close_connection = True

    def socket_echo(self) -> None:
        """Accept a WebSocket and send one text frame back."""
        accept = base64.b64encode(
            hashlib.sha1(self.headers["sec-websocket-key"].encode() + MAGIC).digest()
        )
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "Upgrade")
        self.send_header("sec-websocket-accept", accept.decode())
        self.end_headers()
        self.wfile.flush()
        head = self.rfile.read(2)
        mask = self.rfile.read(4)
        masked = self.rfile.read(head[1] & 0x7F)
        text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked))
        self.wfile.write(bytes((0x81, len(text))) + text)
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log to stdout, where the engine keeps it."""
        print("probe:", format % args, flush=True)


if __name__ == "__main__":
    # as process 1 it would not end at SIGTERM by itself, and each restart would take 10 s
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))
    print("probe: up as", os.getuid(), "python", sys.version.split()[0], flush=True)
    ThreadingHTTPServer(("0.0.0.0", 3000), Probe).serve_forever()
