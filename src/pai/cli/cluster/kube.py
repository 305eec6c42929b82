"""`pai.kube` on the connection of a kubeconfig context: what installing and looking use."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

import httpx2

from pai.cli.cluster.connection import Connection
from pai.cli.cluster.credentials import Credentials, authorised
from pai.kube import Kube
from pai.kube.connection import Connection as Way

T = TypeVar("T")
_TIMEOUT = httpx2.Timeout(30.0, connect=10.0)


class _Auth(httpx2.Auth):
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Yield the request with its header, again when the answer asks for that."""
        return authorised(self._credentials, request)


def kube_of(connection: Connection) -> Kube:
    """Return a client that reaches the API server as `connection` says."""
    target = connection.target

    async def ask_for_name(request: httpx2.Request) -> None:
        request.extensions["sni_hostname"] = target.tls_name

    http = httpx2.AsyncClient(
        base_url=target.server,
        auth=_Auth(connection.credentials),
        verify=connection.tls or True,
        timeout=_TIMEOUT,
        trust_env=False,
        event_hooks={"request": [ask_for_name] if target.tls_name else []},
    )
    return Kube(Way(http, target.namespace))


def with_kube(connection: Connection, act: Callable[[Kube], Awaitable[T]]) -> T:
    """Run `act` with a client that is closed at the end, and return what it returns."""

    async def run() -> T:
        kube = kube_of(connection)
        try:
            return await act(kube)
        finally:
            await kube.close()

    return asyncio.run(run())
