"""The application of the internal API: snapshots, leases, settlements, audit."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pai.control.catalog import Catalog
from pai.control.http.answers import error_answer, json_answer, on_pai_error
from pai.control.internal.audit import attributed, read_records
from pai.control.internal.callers import Caller, Callers, Role
from pai.control.ledger_door import LedgerDoor
from pai.control.publish import Publisher
from pai.errors import PaiError, SpecError
from pai.store.protocol import Store

MAX_WAIT_SECONDS = 60.0
MAX_BODY_BYTES = 2 * 1024 * 1024

Handler = Callable[[Request, Caller], Awaitable[Response]]


class InternalApi:
    """Handlers of the internal calls. now: RFC 3339, for records without a usable time."""

    def __init__(
        self,
        callers: Callers,
        catalog: Catalog,
        publisher: Publisher,
        ledger: LedgerDoor,
        store: Store,
        now: Callable[[], str],
    ) -> None:
        self._callers = callers
        self._catalog = catalog
        self._publisher = publisher
        self._ledger = ledger
        self._store = store
        self._now = now

    def app(self) -> ASGIApp:
        """Return the application."""
        routes = [
            self._route("GET", "snapshot", self._snapshot, "gateway", "edge", "sidecar"),
            self._route("POST", "leases", self._leases, "gateway"),
            self._route("POST", "settlements", self._settlements, "gateway"),
            self._route("POST", "audit", self._audit, "sidecar"),
        ]
        return Starlette(routes=routes, exception_handlers={PaiError: on_pai_error})

    def _route(self, method: str, name: str, handler: Handler, *roles: Role) -> Route:
        async def guarded(request: Request) -> Response:
            scheme, _, credential = request.headers.get("authorization", "").partition(" ")
            local = (request.scope.get("server") or ("", None))[1] is None
            caller = None
            if scheme.lower() == "bearer":
                replica = request.headers.get("x-pai-replica", "")
                caller = self._callers.identify(credential.strip(), local=local, replica=replica)
            if caller is None:
                return error_answer(401, "unauthorized", "the credential is not valid")
            if caller.role not in roles:
                return error_answer(403, "forbidden", f"not a call of the {caller.role}")
            return await handler(request, caller)

        return Route(f"/internal/v1/{name}", guarded, methods=[method])

    async def _snapshot(self, request: Request, caller: Caller) -> Response:
        after = _number(request, "after", int, 0)
        seconds = min(_number(request, "wait", float, 0.0), MAX_WAIT_SECONDS)
        if caller.leaving:
            return error_answer(403, "forbidden", "the agent is being deleted")
        snapshot: msgspec.Struct | None
        if caller.role == "gateway":
            snapshot = await self._publisher.gateway.newer(after, seconds)
        elif caller.role == "edge":
            snapshot = await self._publisher.edge.newer(after, seconds)
        else:
            assert caller.agent is not None
            found = await self._publisher.sidecar(caller.agent).newer(after, seconds)
            snapshot = msgspec.structs.replace(found, replica=caller.replica) if found else None
        return Response(status_code=304) if snapshot is None else json_answer(snapshot)

    async def _leases(self, request: Request, _caller: Caller) -> Response:
        body = await _body(request)
        return _json(await self._ledger.leases(body, self._catalog.limits.of))

    async def _settlements(self, request: Request, _caller: Caller) -> Response:
        return _json(await self._ledger.settlements(await _body(request)))

    async def _audit(self, request: Request, caller: Caller) -> Response:
        assert caller.agent is not None
        records = read_records(await _body(request))
        own = attributed(records, caller.agent, caller.replica, self._now())
        await self._store.add_audit(caller.agent, own)
        return Response(status_code=204)


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise SpecError(f"the body is larger than {MAX_BODY_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _number(request: Request, name: str, kind: type[Any], default: Any) -> Any:
    try:
        value = kind(request.query_params.get(name, default))
    except ValueError:
        raise SpecError(f"{name}: not a number") from None
    if not 0 <= value < 2**63:
        raise SpecError(f"{name}: out of range")
    return value
