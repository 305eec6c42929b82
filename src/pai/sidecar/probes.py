"""What the engine's probes are told on a port that the whole cluster can reach: a status alone.

Only the paths that the operator listed are asked of the agent, letter for letter, and of its answer
nothing but the status goes out.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from pai.providers.request import Headers
from pai.sidecar.inbound import accepts
from pai.sidecar.state import State
from pai.wire.endpoint import Endpoint
from pai.wire.errors import PayloadTooLarge, UpstreamError
from pai.wire.probes import LIVE, METHODS, READY
from pai.wire.server import Exchange

PROBE = "/probe"
_LONGEST_SECONDS = 60.0  # the engine gives up by itself long before
_BODY_BYTES, _BODY_SECONDS = 64 * 1024, 1.0
_HEADERS: Headers = [(b"user-agent", b"pai-probe"), (b"accept", b"*/*")]


class Probes:
    """Serves port 8084. state: None until the other listeners are open, and at the end."""

    def __init__(self, state: Callable[[], State | None], is_open: Callable[[], bool]) -> None:
        self._state = state
        self._is_open = is_open

    async def serve(self, exchange: Exchange) -> None:
        """Answer one probe."""
        await exchange.respond(await self._status(exchange), [])

    async def _status(self, exchange: Exchange) -> int:
        target = exchange.head.target
        if exchange.head.method not in METHODS:
            return 404
        if target == LIVE:
            return 200 if self._is_open() else 503
        state = self._state()
        if target == READY:
            return 200 if state is not None and await _takes_work(state) else 503
        path = None if state is None else _listed(state, target)
        if state is None or path is None:
            return 404
        return await _status_of_agent(exchange, state, path)


async def _takes_work(state: State) -> bool:
    port = state.snapshot.inbound.port
    return port is None or await accepts(port)


def _listed(state: State, target: bytes) -> bytes | None:
    """Return the agent's path that a target asks for, if it is one of those listed."""
    inbound = state.snapshot.inbound
    if inbound.port is None:
        return None
    paths = (path.encode() for path in inbound.probe_paths if path.startswith("/"))
    return next((path for path in paths if PROBE.encode() + path == target), None)


async def _status_of_agent(exchange: Exchange, state: State, path: bytes) -> int:
    endpoint = Endpoint("http", "127.0.0.1", state.snapshot.inbound.port or 0)
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            response = await state.near.send(endpoint, b"GET", path, _HEADERS, owner=exchange)
    except (UpstreamError, TimeoutError):
        return 503
    status = response.head.status
    with suppress(UpstreamError, PayloadTooLarge, TimeoutError):
        async with asyncio.timeout(_BODY_SECONDS):
            await response.read(_BODY_BYTES)
    response.abort()  # an endless body, if it was one
    return status
