"""What every request to the public API passes before anything else looks at it.

- Host: only names of this machine. A page that rebinds its own name to 127.0.0.1 is refused.
- Origin and Sec-Fetch-Site: a browser only from our own pages. There are no cookies to ride on.
- Token: `Authorization: Bearer`, never in the URL, where proxies and histories keep it.
- Size: bodies end at a limit, also those that don't say how long they are.
"""

from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pai.control.http.answers import TooLargeError, error_answer

MAX_BODY_BYTES = 8 * 1024 * 1024
# `/metrics` asks for a token of its own.
OPEN_PATHS = frozenset({"/healthz", "/api/v1/version", "/docs", "/openapi.json", "/metrics"})
_TOKEN_PARAMETERS = frozenset({"token", "access_token", "api_key", "apikey", "authorization"})
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


class Guard:
    """ASGI middleware in front of the application."""

    def __init__(
        self, app: ASGIApp, accepts: Callable[[str], bool], hosts: Collection[str] = ()
    ) -> None:
        self._app = app
        self._accepts = accepts
        self._hosts = _LOCAL_NAMES | frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the body's size watched."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is None:
            await self._app(scope, limited(receive), send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await _refuse_websocket(scope, refusal, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        on_socket = (scope.get("server") or ("", None))[1] is None
        host = headers.get("host", "")
        if not on_socket and _hostname(host) not in self._hosts:
            return error_answer(421, "wrong_host", "this address does not belong to the platform")
        if _from_elsewhere(headers, host):
            return error_answer(403, "cross_origin", "browsers may call from our own pages only")
        names = {name.lower() for name, _ in _parameters(scope)}
        if names & _TOKEN_PARAMETERS:
            return error_answer(
                400, "token_in_url", "a token must not be in the URL", "send it as a header"
            )
        if scope["path"] not in OPEN_PATHS and not self._accepts(_bearer(headers)):
            return error_answer(
                401,
                "unauthorized",
                "the token is missing or not valid",
                "pai login HOST",
                headers={"www-authenticate": "Bearer"},
            )
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return error_answer(413, "too_large", _TOO_LARGE)
        return None


_TOO_LARGE = f"the request is larger than {MAX_BODY_BYTES // 1024 // 1024} MiB"


def _parameters(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _bearer(headers: Headers) -> str:
    values = headers.getlist("authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def _hostname(host: str) -> str:
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower()


def _from_elsewhere(headers: Headers, host: str) -> bool:
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != host.lower()


def limited(receive: Receive) -> Receive:
    """Return `receive` with the body's size watched. Raises TooLargeError from within."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > MAX_BODY_BYTES:
                raise TooLargeError(_TOO_LARGE)
        return message

    return counted


async def _refuse_websocket(scope: Scope, refusal: Response, receive: Receive, send: Send) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return

    async def as_denial(message: Any) -> None:
        await send({**message, "type": message["type"].replace("http.", "websocket.http.", 1)})

    await refusal({**scope, "type": "http", "method": "GET"}, receive, as_denial)
