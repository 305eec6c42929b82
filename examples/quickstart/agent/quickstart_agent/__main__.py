"""Serve: `POST /` a text, `GET /` all reports, `GET /reports/ID` one of them."""

import json
import os
import re
import signal
import sys
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import openai

from quickstart_agent import pages
from quickstart_agent.work import Report, do_work

PORT = int(os.environ.get("PORT", "3000"))
REPORTS = Path(os.environ.get("REPORTS_DIR", "/data/reports"))
TEXT_LIMIT_BYTES = 64 << 10
KEY_NAMES = ("OPENAI_API_KEY", "NOTES_TOKEN")


def keys_held() -> dict[str, str]:
    """Return the keys in the environment, shortened."""
    found = {name: os.environ.get(name, "") for name in KEY_NAMES}
    return {name: f"{value[:10]}… ({len(value)} characters)" for name, value in found.items()}


def save(report: Report) -> None:
    """Write the page and its facts into the volume; each appears whole or not at all."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    facts = json.dumps({**asdict(report), "title": report.title})
    for suffix, content in (("html", pages.report_page(report, keys_held())), ("json", facts)):
        fresh = REPORTS / f".{report.id}.{suffix}"
        fresh.write_text(content, encoding="utf-8")
        fresh.rename(REPORTS / f"{report.id}.{suffix}")


def saved() -> list[dict[str, str]]:
    """Return the facts of all reports, newest first."""
    files = sorted(REPORTS.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [json.loads(path.read_text(encoding="utf-8")) for path in files[:200]]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Show the front page or a report."""
        if self.path == "/":
            self._page(200, pages.index(saved(), keys_held()))
            return
        wanted = re.fullmatch(r"/reports/([0-9a-f]{8})", self.path)
        file = REPORTS / f"{wanted[1]}.html" if wanted else None
        if file is None or not file.exists():
            self._page(404, pages.error_page(404, "There is no such report."))
            return
        self._page(200, file.read_text(encoding="utf-8"))

    def do_POST(self) -> None:
        """Work on a text: plain, or from the front page's form."""
        text = self._text()
        if text is None:
            return
        try:
            report = do_work(text)
            save(report)
        except openai.APIError as error:
            self._failed(503, f"The model can't be asked: {error}")
            return
        for step in report.steps:
            log(f"report {report.id}: {step}")
        if self._is_form():
            self._redirect(f"/reports/{report.id}")
            return
        answer = {"id": report.id, "path": f"/reports/{report.id}", **_outline(report)}
        self._send(201, "application/json", json.dumps(answer) + "\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log one line a request."""
        log(format % args)

    def _is_form(self) -> bool:
        kind = self.headers.get("content-type", "")
        return kind.startswith("application/x-www-form-urlencoded") and "mozilla" in (
            self.headers.get("user-agent", "").lower()
        )

    def _text(self) -> str | None:
        try:
            size = int(self.headers.get("content-length", ""))
        except ValueError:
            size = -1
        if not 0 < size <= TEXT_LIMIT_BYTES:
            self.close_connection = True
            self._failed(413 if size > 0 else 400, "Hand in 1 to 65,536 bytes of text.")
            return None
        text = self.rfile.read(size).decode("utf-8", errors="replace")
        if self._is_form():
            text = "".join(parse_qs(text).get("text", []))
        if not text.strip():
            self._failed(400, "The text is empty.")
            return None
        return text

    def _failed(self, status: int, message: str) -> None:
        log(f"{status}: {message}")
        self._page(status, pages.error_page(status, message))

    def _redirect(self, path: str) -> None:
        self.send_response(303)
        self.send_header("location", path)
        self.send_header("content-length", "0")
        self.end_headers()

    def _page(self, status: int, document: str) -> None:
        self._send(status, "text/html; charset=utf-8", document)

    def _send(self, status: int, kind: str, document: str) -> None:
        body = document.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(body)


def _outline(report: Report) -> dict[str, object]:
    return {"model": report.model, "tokens": report.tokens, "steps": report.steps}


def log(line: str) -> None:
    """Write one line to standard output, where `pai logs` finds it."""
    print(line, flush=True)


def main() -> None:
    """Serve until told to end."""
    for name, value in keys_held().items():
        log(f"{name} is a dummy: {value}")
    server = ThreadingHTTPServer(("0.0.0.0", PORT), Handler)
    server.daemon_threads = True
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    log(f"listening on port {PORT}")
    with server:
        server.serve_forever()
    sys.exit(0)


if __name__ == "__main__":
    main()
