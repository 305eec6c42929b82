"""Serve the fakes until ended. Prints `ready` when all of them listen."""

import asyncio
import json
import sys
from collections.abc import Iterable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.clients.vendors import anthropic_api, gemini_api, openai_api, responses_api
from tests.clients.vendors.behaviour import Ask, plan
from tests.clients.vendors.strict import RefusedError

KEYS = {name: f"sk-canary-{name}" for name in ("openai", "anthropic", "gemini", "openrouter")}
SEEN: list[dict[str, Any]] = []
_NAMED = {429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}


class Failure(Exception):  # noqa: N818
    """The vendor refuses."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def failed(vendor: str, status: int, message: str) -> Response:
    """Return a refusal in the vendor's own shape."""
    if vendor == "anthropic":
        kind = _NAMED.get(status, "invalid_request_error")
        body: dict[str, Any] = {"type": "error", "error": {"type": kind, "message": message}}
    elif vendor == "gemini":
        words = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED"}
        named = words.get(status, "UNAVAILABLE")
        body = {"error": {"code": status, "message": message, "status": named}}
    else:
        kind = "invalid_request_error" if status < 500 else "server_error"
        body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    return JSONResponse(body, status)


def sse(events: Iterable[dict[str, Any] | str], *, named: bool = False) -> Response:
    """Return a stream of server-sent events."""

    def written() -> Iterable[str]:
        for event in events:
            text = event if isinstance(event, str) else json.dumps(event)
            head = f"event: {event['type']}\n" if named and isinstance(event, dict) else ""
            yield f"{head}data: {text}\n\n"

    return StreamingResponse(written(), media_type="text/event-stream")


def check_status(ask: Ask) -> None:
    """Raise Failure when the request asks for one."""
    status = plan(ask).status
    if status != 200:
        raise Failure(status, f"failed with {status} on purpose")


def openai_answer(vendor: str, path: str, body: dict[str, Any]) -> Response:
    """Answer as OpenAI, or OpenRouter."""
    model = body["model"]
    if path.endswith("/chat/completions"):
        router = vendor == "openrouter"
        ask = openai_api.read_chat(body, openrouter=router)
        check_status(ask)
        if not body.get("stream"):
            return JSONResponse(openai_api.chat(model, ask, openrouter=router))
        wants = bool((body.get("stream_options") or {}).get("include_usage"))
        return sse(openai_api.chat_stream(model, ask, wants_usage=wants, openrouter=router))
    if path.endswith("/responses") and vendor == "openai":
        ask = responses_api.read(body)
        check_status(ask)
        if not body.get("stream"):
            return JSONResponse(responses_api.answer(body, ask))
        return sse(responses_api.stream(body, ask), named=True)
    if path.endswith("/responses/input_tokens") and vendor == "openai":
        tokens = responses_api.read({**body, "store": False}).input
        return JSONResponse({"object": "response.input_tokens", "input_tokens": tokens})
    if path.endswith("/completions"):
        return JSONResponse(openai_api.completion(body))
    if path.endswith("/embeddings"):
        return JSONResponse(openai_api.embeddings(body))
    raise Failure(404, f"no such path: {path}")


def anthropic_answer(path: str, body: dict[str, Any], version: str) -> Response:
    """Answer as Anthropic."""
    if path == "/v1/messages/count_tokens":
        return JSONResponse({"input_tokens": anthropic_api.read(body, version, count=True).input})
    if path != "/v1/messages":
        raise Failure(404, f"no such path: {path}")
    ask = anthropic_api.read(body, version)
    check_status(ask)
    if body.get("stream"):
        return sse(anthropic_api.stream(body["model"], ask), named=True)
    return JSONResponse(anthropic_api.message(body["model"], ask))


def gemini_answer(path: str, body: dict[str, Any], *, as_sse: bool) -> Response:
    """Answer as Google."""
    model, _, method = path.removeprefix("/v1beta/models/").partition(":")
    if method == "countTokens":
        inner = {k: v for k, v in body.get("generateContentRequest", body).items() if k != "model"}
        return JSONResponse({"totalTokens": gemini_api.read(model, inner).input})
    if method == "embedContent":
        return JSONResponse({"embedding": {"values": gemini_api.embed(body)}})
    if method == "batchEmbedContents":
        values = [{"values": gemini_api.embed(each)} for each in body["requests"]]
        return JSONResponse({"embeddings": values})
    if method not in ("generateContent", "streamGenerateContent"):
        raise Failure(404, f"no such path: {path}")
    ask = gemini_api.read(model, body)
    check_status(ask)
    if method == "generateContent":
        return JSONResponse(gemini_api.answer(model, ask))
    if as_sse:
        return sse(gemini_api.stream(model, ask))
    array = "[" + ",\r\n".join(json.dumps(each) for each in gemini_api.stream(model, ask)) + "]"
    return Response(array, media_type="application/json")


def _key(vendor: str, request: Request) -> str:
    if vendor == "anthropic" and "x-api-key" in request.headers:
        return request.headers["x-api-key"]
    if vendor == "gemini":
        return request.headers.get("x-goog-api-key", "")
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def application(vendor: str) -> Starlette:
    """Return one vendor's server."""

    async def serve(request: Request) -> Response:
        path = request.url.path
        if path == "/_requests":
            return JSONResponse(SEEN)
        try:
            body = json.loads(await request.body() or b"{}")
        except ValueError:
            return failed(vendor, 400, "the body is not JSON")
        SEEN.append({"vendor": vendor, "path": path, "body": body, "head": dict(request.headers)})
        if _key(vendor, request) != KEYS[vendor]:
            return failed(vendor, 401, "this key is not valid")
        if vendor == "anthropic" and "anthropic-version" not in request.headers:
            return failed(vendor, 400, "anthropic-version: header is required")
        try:
            if vendor == "anthropic":
                return anthropic_answer(path, body, request.headers["anthropic-version"])
            if vendor == "gemini":
                return gemini_answer(path, body, as_sse=request.query_params.get("alt") == "sse")
            return openai_answer(vendor, path, body)
        except RefusedError as error:
            return failed(vendor, 400, str(error))
        except Failure as failure:
            return failed(vendor, failure.status, failure.message)

    return Starlette(routes=[Route("/{path:path}", serve, methods=["GET", "POST"])])


async def main(words: list[str]) -> None:
    """Serve; words: `vendor=port`."""
    servers = []
    for word in words:
        vendor, _, port = word.partition("=")
        config = uvicorn.Config(
            application(vendor), "127.0.0.1", int(port), log_level="warning", lifespan="off"
        )
        servers.append(uvicorn.Server(config))
    tasks = [asyncio.ensure_future(server.serve()) for server in servers]
    while not all(server.started for server in servers):
        await asyncio.sleep(0.02)
    print("ready", flush=True)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
