"""A notes service that stands for any outside API: TLS, and a bearer token on every call.

`server.py --address A --port P --certificate F --key F --token-file F`. `POST /notes` keeps a
note, `GET /notes` lists them, `DELETE /notes/N` removes one. Notes live as long as the process.
"""

import argparse
import hmac
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BODY_LIMIT_BYTES = 64 << 10
KEPT_NOTES = 1000
IP_FREEBIND = 15


class Notes:
    """Notes by number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: dict[int, dict[str, object]] = {}
        self._last = 0

    def add(self, title: str, text: str) -> dict[str, object]:
        """Keep a note and return it; the oldest goes when there are too many."""
        with self._lock:
            self._last += 1
            note: dict[str, object] = {"id": self._last, "title": title[:200], "text": text[:5000]}
            self._notes[self._last] = note
            self._notes.pop(self._last - KEPT_NOTES, None)
            return note

    def list(self) -> list[dict[str, object]]:
        """Return all notes, oldest first."""
        with self._lock:
            return list(self._notes.values())

    def remove(self, number: int) -> bool:
        """Forget a note; False when there is none of that number."""
        with self._lock:
            return self._notes.pop(number, None) is not None


class Handler(BaseHTTPRequestHandler):
    """One connection. `token` is set on the class by `main`."""

    protocol_version = "HTTP/1.1"
    server_version = "pai-notes"
    timeout = 30
    token = ""
    notes = Notes()

    def do_GET(self) -> None:
        """List the notes."""
        if self._admitted() and self._at("/notes"):
            self._json(200, {"notes": self.notes.list()})

    def do_POST(self) -> None:
        """Keep a note."""
        body = self._body()
        if body is None or not self._admitted() or not self._at("/notes"):
            return
        self._json(201, self.notes.add(str(body.get("title", "")), str(body.get("text", ""))))

    def do_DELETE(self) -> None:
        """Remove a note."""
        if not self._admitted():
            return
        number = self.path.removeprefix("/notes/")
        removed = number.isascii() and number.isdigit() and self.notes.remove(int(number[:9]))
        self._json(200 if removed else 404, {"removed": bool(removed)})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say what was asked for; never a header."""
        print(f"notes service: {format % args}", flush=True)

    def _admitted(self) -> bool:
        given = self.headers.get("authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return True
        self._json(401, {"error": "a bearer token of this service is needed"})
        return False

    def _at(self, path: str) -> bool:
        if self.path.partition("?")[0] == path:
            return True
        self._json(404, {"error": "no such path"})
        return False

    def _body(self) -> dict[str, object] | None:
        try:
            size = int(self.headers.get("content-length", ""))
            if size > BODY_LIMIT_BYTES:
                raise ValueError("body too large")
            body = json.loads(self.rfile.read(size))
            if not isinstance(body, dict):
                raise ValueError("not an object")
        except ValueError as error:
            self.close_connection = True
            self._json(400, {"error": str(error)})
            return None
        return body

    def _json(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """TLS is shaken in the connection's own thread: a slow client stops nobody else."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind also to an address that appears later, as a container bridge's may."""
        self.socket.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        super().server_bind()

    def finish_request(self, request: object, client_address: object) -> None:
        """Wrap the connection, then serve it."""
        assert isinstance(request, socket.socket)
        request.settimeout(30)
        try:
            wrapped = self._context.wrap_socket(request, server_side=True)
        except OSError as error:
            print(f"notes service: no TLS: {error}", flush=True)
            return
        with wrapped:
            super().finish_request(wrapped, client_address)  # type: ignore[arg-type]


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description="a notes service over TLS")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--token-file", type=Path, required=True)
    asked = parser.parse_args()
    Handler.token = asked.token_file.read_text().strip()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(asked.certificate, asked.key)
    with Server((asked.address, asked.port), context) as server:
        print(f"notes service on {asked.address}:{asked.port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
