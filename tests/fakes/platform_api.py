"""A small control over HTTP: enough of the public API for the command line's tests."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "pai_tok_test-only"
Json = dict[str, Any]


class FakeControl:
    """What is stored, what was asked, and what to answer in place of the usual."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Json] = {}
        self.calls: list[tuple[str, str, Json | None]] = []
        self.queries: list[dict[str, list[str]]] = []
        self.answers: dict[tuple[str, str], tuple[int, Json | str]] = {}
        self.events: list[Json] = []
        self.events_at_once = 100
        self.after_watch: Callable[[], None] = lambda: None
        self.url = ""

    def put(self, plural: str, document: Json) -> None:
        """Store an object."""
        self.objects[plural, document["metadata"]["name"]] = document

    def bodies(self, ending: str) -> list[Json]:
        """Return the bodies of all calls whose path ends so."""
        return [body for _, path, body in self.calls if path.endswith(ending) and body is not None]


@contextmanager
def serve() -> Iterator[FakeControl]:
    """Run a fake control on a port of its own."""
    control = FakeControl()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(control))
    server.daemon_threads = True
    control.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield control
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(control: FakeControl) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _serve(control, self)

        do_POST = do_DELETE = do_GET  # noqa: N815 - their own names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Say nothing."""

    return Handler


def _serve(control: FakeControl, request: BaseHTTPRequestHandler) -> None:
    length = int(request.headers.get("content-length", 0))
    body = json.loads(request.rfile.read(length)) if length else None
    parts = urlsplit(request.path)
    query = parse_qs(parts.query)
    call = (request.command, parts.path)
    control.calls.append((*call, body))
    control.queries.append(query)
    if parts.path.endswith("/v1/version"):  # /api/v1, or behind an API server
        _answer(request, 200, {"version": "9.9.9", "instance": "test"})
    elif request.headers.get("authorization") != f"Bearer {TOKEN}":
        error = {"code": "unauthorized", "message": "the token is not valid"}
        _answer(request, 401, {"error": error})
    elif call in control.answers:
        _answer(request, *control.answers[call])
    elif "watch" in query:
        _watch(control, request)
    else:
        _answer(request, *_usual(control, *call, body))


def _answer(request: BaseHTTPRequestHandler, status: int, content: Json | str) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    request.send_response(status)
    request.send_header("content-length", str(len(text.encode())))
    request.end_headers()
    request.wfile.write(text.encode())


def _watch(control: FakeControl, request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("content-type", "text/event-stream")
    request.send_header("connection", "close")
    request.end_headers()
    request.wfile.write(b": watching\n\n")
    now, later = control.events[: control.events_at_once], control.events[control.events_at_once :]
    for event in now:
        request.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
    control.events = later
    control.after_watch()
    request.close_connection = True


def _usual(control: FakeControl, method: str, path: str, body: Json | None) -> tuple[int, Json]:
    _, _, rest = path.partition("/namespaces/")
    parts = rest.split("/")[1:]
    if parts == ["apply"] and body is not None:
        return 200, {"results": [_applied(control, item) for item in body["documents"]]}
    if len(parts) == 1:
        found = [item for (plural, _), item in control.objects.items() if plural == parts[0]]
        return 200, {"items": found, "resourceVersion": "1"}
    key = (parts[0], parts[1])
    if key not in control.objects:
        error = {"code": "not_found", "message": f"{parts[1]}: not found"}
        return 404, {"error": error}
    if method == "DELETE":
        return 200, control.objects.pop(key)
    if parts[2:] == ["report"]:
        report = {"object": control.objects[key], "providers": [], "events": [], "replicas": []}
        return 200, report
    return 200, control.objects[key]


_PLURALS = {
    "AgentWorkload": "agentworkloads",
    "ModelBinding": "modelbindings",
    "Provider": "providers",
    "Secret": "secrets",
}


def _applied(control: FakeControl, document: Json) -> Json:
    key = (_PLURALS[document["kind"]], document["metadata"]["name"])
    result = "configured" if key in control.objects else "created"
    kept = {name: value for name, value in document.items() if name != "stringData"}
    control.objects[key] = kept
    return {"kind": document["kind"], "name": key[1], "result": result, "warnings": []}
