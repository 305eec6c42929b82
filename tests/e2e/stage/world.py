"""What stands for the internet: a network namespace with a DNS server, HTTPS hosts and traps.

Run by `internet.py` inside the namespace: `python world.py CONFIG.json`. Every contact becomes one
JSON line in the configured journal, so that a test can say what arrived and what did not.

Hosts (all at one address; the certificate names them):
  llm.test       an OpenAI-compatible vendor on plain HTTP port 8001: counts what it bills
  api.notes.test an outside service on 443 that wants a bearer token, and echoes on request
  open.test      a host that an agent may be allowed to pass through to
  evil.test      a host nobody was given
"""

import asyncio
import hashlib
import json
import socket
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

CONFIG: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
JOURNAL = Path(CONFIG["journal"]).open("a", buffering=1)  # noqa: SIM115 - lives with the process
NOTES: list[dict[str, str]] = []


def record(kind: str, **facts: object) -> None:
    """Append one contact to the journal."""
    JOURNAL.write(json.dumps({"at": time.time(), "kind": kind, **facts}) + "\n")


def fingerprint(value: str) -> str:
    """Return what the journal may hold of a credential."""
    return hashlib.sha256(value.encode()).hexdigest()[:12]


# --- the model vendor ---------------------------------------------------------------------------


def words_of(body: dict[str, Any]) -> list[str]:
    """Return the answer's words: what the last message asks for, bounded by the cap."""
    text = str(body["messages"][-1]["content"])
    wanted = 20
    for word in text.split():
        if word.startswith("words="):
            wanted = int(word.removeprefix("words="))
    cap = body.get("max_completion_tokens") or body.get("max_tokens") or 1_000_000
    return [f"w{i}" for i in range(min(wanted, int(cap)))]


def prompt_tokens(raw: bytes) -> int:
    """Return the figure this vendor bills for input: a quarter of the bytes."""
    return max(1, len(raw) // 4)


async def chat(request: Request) -> Response:
    """Answer a chat completion, plain or streamed, and journal what it bills."""
    raw = await request.body()
    authorization = request.headers.get("authorization", "")
    if authorization != f"Bearer {CONFIG['llm_key']}":
        record("llm-unauthorized", key=fingerprint(authorization))
        return JSONResponse({"error": {"message": "bad key", "code": "invalid_api_key"}}, 401)
    body = json.loads(raw)
    words = words_of(body)
    usage = {
        "prompt_tokens": prompt_tokens(raw),
        "completion_tokens": len(words),
        "total_tokens": prompt_tokens(raw) + len(words),
    }
    record(
        "llm", stream=bool(body.get("stream")), tokens=usage["total_tokens"], model=body["model"]
    )
    text = " ".join(words)
    if "echo-headers" in str(body["messages"][-1]["content"]):
        text = json.dumps(dict(request.headers))
    if body.get("stream"):
        return StreamingResponse(chunks(body, text, usage), media_type="text/event-stream")
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    answer = {"id": "c1", "object": "chat.completion", "created": 1, "model": body["model"]}
    headers = {"x-echo-authorization": authorization}
    return JSONResponse({**answer, "choices": [choice], "usage": usage}, headers=headers)


async def chunks(body: dict[str, Any], text: str, usage: dict[str, int]) -> AsyncIterator[bytes]:
    """Yield the answer as server-sent events, usage last when it was asked for."""
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    for part in text.split(" "):
        delta = {"index": 0, "delta": {"content": part + " "}, "finish_reason": None}
        yield b"data: " + json.dumps({**head, "choices": [delta]}).encode() + b"\n\n"
        await asyncio.sleep(0.002)
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    yield b"data: " + json.dumps({**head, "choices": [last]}).encode() + b"\n\n"
    if (body.get("stream_options") or {}).get("include_usage"):
        yield b"data: " + json.dumps({**head, "choices": [], "usage": usage}).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


async def models(_: Request) -> Response:
    """List the one model this vendor has."""
    return JSONResponse({"object": "list", "data": [{"id": "gpt-test", "object": "model"}]})


# --- the outside service ------------------------------------------------------------------------


async def notes(request: Request) -> Response:
    """Keep a note, or list them; only with the right token."""
    sent = request.headers.get("authorization", "")
    record("notes", method=request.method, key=fingerprint(sent))
    if sent != f"Bearer {CONFIG['notes_key']}":
        return JSONResponse({"error": "bad token"}, 401)
    if request.method == "POST":
        NOTES.append({"text": (await request.body()).decode(errors="replace")})
        return JSONResponse({"stored": len(NOTES), "id": len(NOTES)}, 201)
    return JSONResponse({"notes": NOTES})


async def echo(request: Request) -> Response:
    """Return everything that arrived, also in headers: the worst kind of upstream."""
    headers = dict(request.headers)
    record("echo", host=headers.get("host"), key=fingerprint(headers.get("authorization", "")))
    body = {"headers": headers, "query": request.url.query, "body": (await request.body()).decode()}
    mirrored = {"x-echo": headers.get("authorization", "none")}
    return JSONResponse(body, headers=mirrored)


async def redirect(_: Request) -> Response:
    """Lead to a host that nobody was given."""
    return Response(status_code=302, headers={"location": "https://evil.test/"})


async def anything(request: Request) -> Response:
    """Answer every other path, so that a bypass would be seen to succeed."""
    record("http", host=request.headers.get("host"), path=request.url.path)
    return JSONResponse({"you": "reached", "host": request.headers.get("host")})


# --- traps --------------------------------------------------------------------------------------


class Udp(asyncio.DatagramProtocol):
    """A UDP port that answers anything; on 53 it is a DNS server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        name = dns_name(data) if self.port == 53 else ""
        record("udp", port=self.port, peer=addr[0], name=name)
        self.transport.sendto(dns_answer(data) if self.port == 53 else b"got it", addr)


def dns_name(query: bytes) -> str:
    """Return the name asked for, or '?' for what is not a query."""
    labels, at = [], 12
    while at < len(query) and query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode(errors="replace"))
        at += query[at] + 1
    return ".".join(labels) or "?"


def dns_answer(query: bytes) -> bytes:
    """Answer A queries for `*.test` with our own address, all others with nothing."""
    end = query.index(b"\0", 12) + 5
    is_a = query[end - 4 : end - 2] == b"\0\1" and dns_name(query).lower().endswith(".test")
    address = socket.inet_aton(CONFIG["address"])
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4" + address if is_a else b""
    counts = b"\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0"
    return query[:2] + b"\x81\x80" + counts + query[12:end] + answer


async def raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet anyone who opens a raw TCP port."""
    record(
        "tcp", port=writer.get_extra_info("sockname")[1], peer=writer.get_extra_info("peername")[0]
    )
    writer.write(b"reached\n")
    writer.close()


ROUTES = [
    Route("/v1/chat/completions", chat, methods=["POST"]),
    Route("/v1/models", models),
    Route("/notes", notes, methods=["GET", "POST"]),
    Route("/echo", echo, methods=["GET", "POST", "PUT"]),
    Route("/redirect", redirect),
    Route("/{path:path}", anything, methods=["GET", "POST", "PUT", "DELETE", "HEAD"]),
]


def server(app: Starlette, port: int, **more: Any) -> uvicorn.Server:
    """Return an HTTP server for one port, silent."""
    config = uvicorn.Config(
        app, host="0.0.0.0", port=port, log_level="critical", lifespan="off", **more
    )
    return uvicorn.Server(config)


async def main() -> None:
    """Open every door and wait."""
    loop = asyncio.get_running_loop()
    app = Starlette(routes=ROUTES)
    for port in (53, 443, 9999):
        await loop.create_datagram_endpoint(partial(Udp, port), local_addr=("0.0.0.0", port))
    for port in (22, 53, 5432, 9999):
        await asyncio.start_server(raw, "0.0.0.0", port)
    tls = {"ssl_certfile": CONFIG["cert"], "ssl_keyfile": CONFIG["key"]}
    servers = [server(app, 8001), server(app, 80), server(app, 443, **tls)]
    record("up")
    await asyncio.gather(*(server.serve() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
