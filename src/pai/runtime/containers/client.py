"""HTTP to the engine's socket: versioned paths, and errors in our own words."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from pai.runtime.errors import EngineRefusedError, EngineUnavailableError
from pai.runtime.protocol import EngineInfo

API_VERSION = (1, 41)
CALL_SECONDS = 120.0
LOOK_SECONDS = 60.0  # a GET changes nothing: one that hangs is better asked again
CONNECT_SECONDS = 5.0
_MESSAGE_LENGTH = 400

Query = Mapping[str, str | int]


class EngineClient:
    """Calls of the Docker Engine API over one unix socket."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=socket, limits=_LIMITS),
            base_url="http://engine",
            trust_env=False,
        )
        self._info: EngineInfo | None = None
        self._asking = asyncio.Lock()

    async def info(self) -> EngineInfo:
        """Return which engine answers; asked once, then remembered.

        Also when many ask at the start: Podman searches its packages for each answer.
        """
        async with self._asking:
            if self._info is None:
                answer = await self._send("GET", "/version")
                self._info = _engine_info(_checked(answer).json(), self.socket)
            return self._info

    async def prefix(self) -> str:
        """Return the versioned root of all paths."""
        return f"/v{(await self.info()).api_version}"

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        archive: bytes | None = None,
        seconds: float | None = None,
    ) -> Any:
        """Return the decoded answer, None for an empty one; seconds: how long to wait for it.

        Raises EngineRefusedError, EngineUnavailableError.
        """
        url = await self.prefix() + path
        given: dict[str, Any] = {"json": body}
        if archive is not None:
            given = {"content": archive, "headers": {"content-type": "application/x-tar"}}
        answer = await self._send(method, url, seconds, params=query, **given)
        content = _checked(answer).content
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return json.loads(content) if content.strip() and is_json else None

    async def find(self, path: str, query: Query | None = None) -> Any:
        """Return the decoded answer, None when there is no such thing."""
        try:
            return await self.call("GET", path, query=query)
        except EngineRefusedError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, query: Query | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Give an answer whose body arrives over time; no limit on the time between parts."""
        url = await self.prefix() + path
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        try:
            async with self._http.stream(method, url, params=query, timeout=timeout) as answer:
                if answer.is_error:
                    await answer.aread()
                yield _checked(answer)
        except httpx.TransportError as error:
            raise self._unavailable(error) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _send(
        self, method: str, url: str, seconds: float | None = None, **given: Any
    ) -> httpx.Response:
        usual = LOOK_SECONDS if method == "GET" else CALL_SECONDS
        timeout = httpx.Timeout(seconds or usual, connect=CONNECT_SECONDS)
        try:
            return await self._http.request(method, url, timeout=timeout, **given)
        except httpx.TransportError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> EngineUnavailableError:
        return EngineUnavailableError(
            f"the container engine at {self.socket} does not answer ({type(error).__name__})",
            hint="is it running? `pai doctor` tells more",
        )


_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=16)


def _engine_info(answer: Any, socket: str) -> EngineInfo:
    parts = [str(part.get("Name", "")) for part in answer.get("Components") or []]
    kind = "podman" if any("podman" in part.lower() for part in parts) else "docker"
    newest = _version(answer.get("ApiVersion", ""))
    oldest = _version(answer.get("MinAPIVersion", ""))
    # Podman names its own API's minimum (4.0.0) here, which is not of this numbering.
    wanted = API_VERSION if kind == "podman" else max(min(API_VERSION, newest), oldest)
    return EngineInfo(
        kind="podman" if kind == "podman" else "docker",
        version=str(answer.get("Version", "")),
        api_version=".".join(map(str, wanted)),
        socket=socket,
    )


def _version(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(".")[:2])
    except ValueError:
        return API_VERSION


def _checked(answer: httpx.Response) -> httpx.Response:
    """Return a good answer; of a bad one, tell the engine's message and nothing else."""
    if answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED:
        return answer
    if answer.status_code == httpx.codes.SWITCHING_PROTOCOLS:
        return answer
    raise EngineRefusedError(_message(answer), answer.status_code)


def _message(answer: httpx.Response) -> str:
    try:
        text = str(json.loads(answer.content)["message"])
    except (ValueError, KeyError, TypeError):
        text = f"HTTP {answer.status_code}"
    return " ".join(text.split())[:_MESSAGE_LENGTH]
