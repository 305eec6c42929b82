"""The sockets of a sidecar, from first listen to last byte."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pai.sidecar.answers import answers
from pai.sidecar.audit import AuditLog
from pai.sidecar.doors import Destination, Doors
from pai.sidecar.inbound import Inbound
from pai.sidecar.names import Names
from pai.sidecar.outbound import Outbound
from pai.sidecar.state import State
from pai.wire import log
from pai.wire.dns import DnsResponder
from pai.wire.limits import ServerLimits
from pai.wire.message import Malformed
from pai.wire.server import HttpServer, OnAccept
from pai.wire.sockets import listening_socket, original_destination

_CONNECTIONS_AT_DOORS = 4096  # being looked at, or passed through


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a sidecar listens; 0 = any free port. address: of all but DNS and models."""

    models: int = 8000
    dns: int = 8053
    plain: int = 8081
    inbound: int = 8082
    tls: int = 8443
    address: str = "0.0.0.0"


class Listeners:
    """Everything a sidecar listens on. bound: the ports in use, once started."""

    def __init__(
        self,
        current: Callable[[], State],
        audit: AuditLog,
        limits: ServerLimits,
        destination: Destination = original_destination,
    ) -> None:
        outbound = Outbound(current, audit)
        names = Names()

        def refused(peer: tuple[str, int], went: tuple[str, int] | None, error: Malformed) -> None:
            audit.refuse(
                f"malformed request: {error.message}", host=_text(went), status=error.status
            )

        self._models = HttpServer(outbound.to_models, limits, on_refused=refused)
        self._tls = HttpServer(outbound.over_tls, limits, on_refused=refused)
        self._plain = HttpServer(outbound.over_plain, limits, on_refused=refused)
        self._inbound = HttpServer(Inbound(current, audit).serve, limits)
        self._dns = DnsResponder(answers(current, names, audit))
        self._doors = Doors(current, names, audit, (self._tls, self._plain), destination)
        self._at_door: set[asyncio.Task[None]] = set()
        self.bound = Ports()

    async def start(self, ports: Ports) -> None:
        """Open every socket.

        Raises OSError when an address is taken.
        """
        await self._dns.listen("127.0.0.1", ports.dns)
        models = listening_socket("127.0.0.1", ports.models)
        await self._models.listen_socket(models)
        inbound = listening_socket(ports.address, ports.inbound)
        await self._inbound.listen_socket(inbound)
        plain = listening_socket(ports.address, ports.plain)
        await self._plain.listen_socket(plain, on_accept=self._at(self._doors.plain))
        tls = listening_socket(ports.address, ports.tls)
        await self._tls.listen_socket(tls, on_accept=self._at(self._doors.tls))
        if ports.address == "0.0.0.0":  # every address: attempts over IPv6 are told why, too
            await self._listen_six(self._plain, ports.plain, self._at(self._doors.plain))
            await self._listen_six(self._tls, ports.tls, self._at(self._doors.tls))
        self.bound = Ports(
            _port(models), self._dns.port, _port(plain), _port(inbound), _port(tls), ports.address
        )

    async def _listen_six(self, server: HttpServer, port: int, accepted: OnAccept) -> None:
        try:
            sock = listening_socket("::", port)
        except OSError as error:  # no IPv6 in this namespace: then there are no attempts either
            log.info("not listening on IPv6", port=port, reason=error.strerror or "")
            return
        await server.listen_socket(sock, on_accept=accepted)

    async def stop(self, seconds: float) -> None:
        """Accept no more, let what is under way end, at most so long."""
        self._dns.close()
        servers = (self._models, self._tls, self._plain, self._inbound)
        await asyncio.gather(*(server.drain(seconds) for server in servers))
        for task in tuple(self._at_door):
            task.cancel()
        await asyncio.gather(*self._at_door, return_exceptions=True)

    def _at(self, decide: Callable[[socket.socket], Awaitable[None]]) -> OnAccept:
        """Return what takes accepted connections to a door; their number is bounded."""

        async def accepted(sock: socket.socket, peer: tuple[str, int]) -> None:
            task = asyncio.current_task()
            if task is None or len(self._at_door) >= _CONNECTIONS_AT_DOORS:
                sock.close()
                return
            self._at_door.add(task)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await decide(sock)
            except BaseException:
                sock.close()
                raise
            finally:
                self._at_door.discard(task)

        return accepted


def _port(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def _text(went: tuple[str, int] | None) -> str:
    return f"{went[0]}:{went[1]}" if went else ""
