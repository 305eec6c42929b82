"""HTTP with an API server: one call or one stream, with time limits; foreign errors end here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import msgspec
from lightkube.core.exceptions import ConfigError

from pai.errors import PaiError
from pai.kube.connection import CONNECT_SECONDS
from pai.kube.errors import KubeConfigError, KubeUnavailableError
from pai.kube.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL_SECONDS = 60.0
_JSON = "application/json"
_MAX_ERROR_BYTES = 64 * 1024

Params = Mapping[str, str]


class Transport:
    """Calls of one API server. calls, errors: how many there were, by verb."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    async def call(
        self,
        verb: str,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        content_type: str = _JSON,
        missing_ok: bool = False,
    ) -> Any:
        """Return the decoded answer, None for an empty one.

        verb: what it is counted as. missing_ok: a 404 is None, too.
        Raises KubeRefusedError, KubeUnavailableError.
        """
        content = None if body is None else msgspec.json.encode(body)
        headers = {"accept": _JSON, **({"content-type": content_type} if content else {})}
        with self._counted(verb):
            async with asyncio.timeout(CALL_SECONDS):
                answer = await self._http.request(
                    method, path, params=params, content=content, headers=headers
                )
            if missing_ok and answer.status_code == httpx2.codes.NOT_FOUND:
                return None
            if not answer.is_success:
                raise refusal(
                    answer.status_code, answer.headers, answer.content, wrote_secret=_secret(body)
                )
            return msgspec.json.decode(answer.content) if answer.content else None

    @asynccontextmanager
    async def stream(
        self, verb: str, path: str, params: Mapping[str, Any], read_seconds: float | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give the body of an answer as it comes. read_seconds: the longest silence, None = any."""
        timeout = httpx2.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS, read=read_seconds)
        with self._counted(verb):
            async with self._http.stream("GET", path, params=params, timeout=timeout) as answer:
                if not answer.is_success:
                    raise refusal(answer.status_code, answer.headers, await _start_of(answer))
                yield answer.aiter_bytes()

    async def upgrade(self, verb: str, path: str, params: Any, headers: Mapping[str, str]) -> Any:
        """Return the 101 answer of a WebSocket handshake; its stream is the caller's to close."""
        timeout = httpx2.Timeout(30.0, connect=CONNECT_SECONDS)
        with self._counted(verb):
            request = self._http.build_request(
                "GET", path, params=params, headers=headers, timeout=timeout
            )
            async with asyncio.timeout(CALL_SECONDS):
                answer = await self._http.send(request, stream=True)
            if answer.status_code != httpx2.codes.SWITCHING_PROTOCOLS:
                try:
                    body = await _start_of(answer)
                finally:
                    await answer.aclose()
                raise refusal(max(answer.status_code, 400), answer.headers, body)
            return answer

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @contextmanager
    def _counted(self, verb: str) -> Iterator[None]:
        self.calls[verb] += 1
        try:
            with translated():
                yield
        except PaiError:
            self.errors[verb] += 1
            raise


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the HTTP client raises into our errors."""
    try:
        yield
    except TimeoutError as error:
        raise KubeUnavailableError("the API server does not answer in time") from error
    except httpx2.RequestError as error:
        # Its text may hold an address, never a header or a body.
        kind = type(error).__name__
        raise KubeUnavailableError(
            f"the API server is out of reach ({kind})", hint=_hint(error)
        ) from error
    except (httpx2.StreamError, msgspec.DecodeError) as error:
        raise KubeUnavailableError(
            f"the API server's answer can't be read ({type(error).__name__})"
        ) from error
    except ConfigError as error:  # the file of the service account's token is gone
        raise KubeConfigError(str(error)) from error


def _hint(error: httpx2.RequestError) -> str | None:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate is not signed by the CA of this context"
    if isinstance(error, httpx2.ConnectError):
        return "is the cluster running, and its address in the kubeconfig right?"
    return None


def _secret(body: Any) -> bool:
    return isinstance(body, dict) and body.get("kind") == "Secret"


async def _start_of(answer: httpx2.Response) -> bytes:
    found = b""
    async for chunk in answer.aiter_bytes():
        found += chunk
        if len(found) > _MAX_ERROR_BYTES:
            break
    return found
