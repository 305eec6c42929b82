"""A container engine that has images and containers, and does nothing with them."""

import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Json = dict[str, Any]


class FakeEngine:
    """What it has, and what it was asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.version = "20.10.24"
        self.images = {"localhost/pai:latest"}
        self.containers: list[Json] = []
        self.calls: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        """Return what `--engine` takes."""
        return f"unix://{self.path}"

    def answer(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Return status and document for one call; path: without the version."""
        self.calls.append((method, path))
        if path == "/version":
            return 200, {"Version": self.version, "ApiVersion": "1.41", "MinAPIVersion": "1.12"}
        if path.startswith("/images/"):
            found = unquote(path.split("/", 2)[2]).removesuffix("/json") in self.images
            return (200, {"Id": "i"}) if found else (404, {"message": "no such image"})
        if path == "/networks" or path.startswith("/networks/"):
            network = self._network(path, query)
            return 200, [network] if path == "/networks" else network
        if path == "/containers/json":
            wanted = json.loads(query["filters"][0])["label"][0].partition("=")[2]
            ours = [c for c in self.containers if c["Labels"]["pai.io/instance"] == wanted]
            return 200, ours
        if path == "/volumes":
            return 200, {"Volumes": []}
        if method == "DELETE":
            self.containers = [c for c in self.containers if c["Id"] != path.rpartition("/")[2]]
        return 204, None

    def _network(self, path: str, query: dict[str, list[str]]) -> Json:
        """Return the network that was asked for, by path or by filter."""
        filters = json.loads(query.get("filters", ["{}"])[0])
        name = (filters.get("name") or [path.rpartition("/")[2]])[0].strip("^$")
        config = [{"Gateway": "127.0.0.1", "Subnet": "127.0.0.0/8"}]
        labels = {"pai.io/instance": name.rpartition("-")[2]}
        return {"Id": name, "Name": name, "Labels": labels, "IPAM": {"Config": config}}


@contextmanager
def serve(path: Path) -> Iterator[FakeEngine]:
    """Run a fake engine on a local socket."""
    engine = FakeEngine(path)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path
            if path.startswith("/v1."):
                path = "/" + path.split("/", 2)[2]
            status, document = engine.answer(self.command, path, parse_qs(parts.query))
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET  # noqa: N815 - their own names

        def address_string(self) -> str:
            return "local"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Say nothing."""

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that left is no fault."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield engine
        finally:
            server.shutdown()
            thread.join()
