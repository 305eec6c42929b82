"""uvicorn on sockets that we opened: several servers in one loop, no signal handling of its own."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pai.errors import TransientError
from pai.wire.tasks import spawn

_IP_FREEBIND = 15
_DRAIN_SECONDS = 3


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process, which has more to end than this server."""
        yield


class Serving:
    """One application on one socket. protocol: class of its connections, if not the usual one."""

    def __init__(
        self,
        app: ASGIApp,
        sock: socket.socket,
        tls: ssl.SSLContext | None = None,
        protocol: type[HttpToolsProtocol] | None = None,
    ) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=True,
            proxy_headers=False,
            ws="websockets-sansio",
            http=protocol or "httptools",
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            h11_max_incomplete_event_size=64 * 1024,
            ssl_context_factory=(lambda _config, _default: tls) if tls else None,
        )
        self._server = _Server(config)
        self._socket = sock
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when the socket is being served."""
        self._task = spawn(self._server.serve(sockets=[self._socket]), "http-server")
        while not self._server.started:
            if self._task.done():
                await self._task
                raise TransientError("the HTTP server ended while it started")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Finish running requests for a moment, then close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()


def tcp_socket(host: str, port: int, *, freebind: bool = False) -> socket.socket:
    """Return a listening TCP socket. freebind: the address need not exist yet.

    Raises TransientError when the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if freebind:
            sock.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        sock.bind((host, port))
        sock.listen(1024)
    except OSError as error:
        sock.close()
        raise TransientError(
            f"{host}:{port}: {error.strerror}", hint="another program has it, or set another port"
        ) from error
    sock.setblocking(False)
    return sock


def unix_socket(path: Path) -> socket.socket:
    """Return a listening local socket, mode 0600; a left-over one is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(temporary))
        temporary.chmod(0o600)  # before anyone can find it under its name
        sock.listen(1024)
        temporary.replace(path)
    except OSError as error:
        sock.close()
        raise TransientError(f"{path.name}: {error.strerror}") from error
    sock.setblocking(False)
    return sock
