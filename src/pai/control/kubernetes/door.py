"""The doors of a control replica in its pod: internal API, aggregated API, probes and metrics."""

import asyncio
import ssl
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pai.control.http.answers import on_pai_error
from pai.control.kubernetes.front import admits
from pai.control.metrics import PATH, Scraping
from pai.errors import PaiError
from pai.wire import log


def front_protocol(names: Sequence[str]) -> type[HttpToolsProtocol]:
    """Return an HTTP protocol that drops whoever is not the front proxy."""

    class FrontProtocol(HttpToolsProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if not admits(transport.get_extra_info("peercert"), names):
                log.warning("a caller that is not the API server was cut off")
                transport.abort()

    return FrontProtocol


def probes_app(live: Callable[[], bool], ready: Callable[[], bool], scraping: Scraping) -> ASGIApp:
    """Return what the kubelet and Prometheus ask; what names agents wants the metrics token."""

    def answer(holds: Callable[[], bool]) -> Callable[[Request], Response]:
        def probe(_request: Request) -> Response:
            good = holds()
            return PlainTextResponse("ok" if good else "not yet", 200 if good else 503)

        return probe

    routes = [
        Route("/livez", answer(live)),
        Route("/readyz", answer(ready)),
        *(Route(path, scraping.answer) for path in (PATH, f"{PATH}/")),
    ]
    return Starlette(routes=routes, exception_handlers={PaiError: on_pai_error})


def server_context() -> ssl.SSLContext:
    """Return the context of the internal API; callers prove themselves by a credential."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
