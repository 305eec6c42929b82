"""The application of the public API."""

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp

from pai import __version__
from pai.control.http.agent_calls import agent_calls
from pai.control.http.answers import error_answer, json_answer, on_pai_error
from pai.control.http.exec_call import exec_call
from pai.control.http.guard import Guard
from pai.control.http.pages import api_page
from pai.control.http.record_calls import record_calls
from pai.control.http.resource_calls import resource_calls
from pai.control.http.services import Services
from pai.control.metrics import PATH, Scraping
from pai.errors import PaiError
from pai.wire import log

_CODES = {404: "not_found", 405: "method_not_allowed"}
_SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def public_app(services: Services, accepts: Callable[[str], bool], scraping: Scraping) -> ASGIApp:
    """Return the public API behind its guard. accepts: says whether a bearer token is ours."""
    app = api_app(services)
    app.add_route(PATH, scraping.answer, include_in_schema=False)
    return Guard(app, accepts)


def api_app(services: Services) -> FastAPI:
    """Return the public API; whoever mounts it decides who may call."""
    app = FastAPI(title="Pai API", version=__version__, docs_url=None, redoc_url=None)
    app.add_exception_handler(PaiError, on_pai_error)
    app.add_exception_handler(RequestValidationError, _on_bad_parameters)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_bug)
    app.include_router(_open_calls(app, services))
    below = APIRouter(prefix="/api/v1/namespaces/{namespace}")
    below.include_router(record_calls(services))
    below.include_router(exec_call(services))
    below.include_router(agent_calls(services))
    below.include_router(resource_calls(services))
    app.include_router(below)
    return app


def _open_calls(app: FastAPI, services: Services) -> APIRouter:
    router = APIRouter(tags=["platform"])
    version = {"version": __version__, "instance": services.instance}

    @router.get("/api/v1/version", summary="Version and instance; needs no token")
    async def show_version() -> Response:
        return json_answer(version)

    @router.get("/healthz", summary="Answers while the process serves; needs no token")
    async def healthz() -> Response:
        return json_answer(version)

    @router.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(api_page(app.openapi()), headers=_SECURITY_HEADERS)

    return router


async def _on_bad_parameters(_request: Request, error: Exception) -> Response:
    """Name the parameter and what is wrong; never repeat its value."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    return error_answer(400, "invalid", f"{place}: {first['msg']}")


async def _on_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "failed")
    return error_answer(error.status_code, code, str(error.detail).lower(), headers=error.headers)


async def _on_bug(request: Request, error: Exception) -> Response:
    log.crash(f"{request.method} {request.url.path} failed", error)
    return error_answer(500, "bug", "something broke in Pai", "see the log of control")
