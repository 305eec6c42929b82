"""The sockets of a sidecar, from first listen to last byte."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from pai.sidecar.answers import answers
from pai.sidecar.audit import AuditLog
from pai.sidecar.doors import Destination, Doors
from pai.sidecar.inbound import Inbound
from pai.sidecar.names import Names
from pai.sidecar.outbound import Outbound
from pai.sidecar.probes import Probes
from pai.sidecar.public import PUBLIC_LIMITS, Public
from pai.sidecar.state import State
from pai.wire import log
from pai.wire.dns import DnsResponder
from pai.wire.errors import Malformed
from pai.wire.limits import ServerLimits
from pai.wire.probes import PROBE_LIMITS
from pai.wire.server import HttpServer, OnAccept
from pai.wire.sockets import held_socket, open_held, original_destination

_CONNECTIONS_AT_DOORS = 4096  # being looked at, or passed through
_NO_IPV6 = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL))
_LOOPBACK, _LOOPBACK_6, _EVERY, _EVERY_6 = "127.0.0.1", "::1", "0.0.0.0", "::"


class Usual(NamedTuple):
    """Loopback ports where clients look for the doors by themselves, with no redirect."""

    dns: int = 53
    plain: int = 80
    tls: int = 443


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a sidecar listens; 0 = any free port, None = not at all.

    address: of all but DNS and models. public, probes: of a pod. usual: where no redirect rules
    are; plain and tls are on loopback then, as no rule keeps others out.
    """

    models: int = 8000
    dns: int = 8053
    plain: int = 8081
    inbound: int = 8082
    tls: int = 8443
    address: str = _EVERY
    public: int | None = None
    probes: int | None = None
    usual: Usual | None = None

    def in_pod(self, *, restricted: bool) -> "Ports":
        """Return the same with what a pod has besides."""
        usual = Usual() if restricted else None
        public = 8083 if self.public is None else self.public
        probes = 8084 if self.probes is None else self.probes
        return replace(self, public=public, probes=probes, usual=usual)


class _Held(NamedTuple):
    """A bound socket and who will serve it."""

    sock: socket.socket
    server: HttpServer
    on_accept: OnAccept | None


class Listeners:
    """Everything a sidecar listens on. bound: the ports in use. is_open: doors serve, or did.

    TCP ports are taken at once, so that the agent never can, and refuse until `start`; probes are
    answered from `start_probes` on.
    """

    def __init__(
        self,
        ports: Ports,
        current: Callable[[], State],
        audit: AuditLog,
        limits: ServerLimits,
        destination: Destination = original_destination,
    ) -> None:
        outbound = Outbound(current, audit)
        names = Names(redirected=ports.usual is None)

        def refused(peer: tuple[str, int], went: tuple[str, int] | None, error: Malformed) -> None:
            audit.refuse(
                f"malformed request: {error.message}", host=_text(went), status=error.status
            )

        self._models = HttpServer(outbound.to_models, limits, on_refused=refused)
        self._tls = HttpServer(outbound.over_tls, limits, on_refused=refused)
        self._plain = HttpServer(outbound.over_plain, limits, on_refused=refused)
        self._inbound = HttpServer(Inbound(current, audit).serve, limits)
        self._public = HttpServer(Public(current, audit).serve, PUBLIC_LIMITS)
        probes = Probes(lambda: current() if self._serving else None, lambda: self.is_open)
        self._probes = HttpServer(probes.serve, PROBE_LIMITS)
        self._policy = answers(current, names, audit)
        self._responders: list[DnsResponder] = []
        self._doors = Doors(current, names, audit, (self._tls, self._plain), destination)
        self._at_door: set[asyncio.Task[None]] = set()
        self._held: list[_Held] = []
        self._held_probes: list[_Held] = []
        self._serving = False
        self.is_open = False
        self.bound = ports

    # Taking ports

    def bind(self) -> None:
        """Take every TCP port.

        Raises OSError when an address is taken.
        """
        ports = self.bound
        usual = ports.usual
        at_doors = _LOOPBACK if usual is not None else ports.address
        plain, tls = self._at(self._doors.plain), self._at(self._doors.tls)
        if ports.probes is not None:
            held = self._held_probes
            ports = replace(ports, probes=_hold(held, ports.address, ports.probes, self._probes))
        held = self._held
        if ports.public is not None:
            ports = replace(ports, public=_hold(held, ports.address, ports.public, self._public))
        if usual is not None:
            usual = Usual(
                usual.dns,
                _hold(held, _LOOPBACK, usual.plain, self._plain, plain, six=_LOOPBACK_6),
                _hold(held, _LOOPBACK, usual.tls, self._tls, tls, six=_LOOPBACK_6),
            )
        self.bound = replace(
            ports,
            models=_hold(held, _LOOPBACK, ports.models, self._models),
            inbound=_hold(held, ports.address, ports.inbound, self._inbound),
            plain=_hold(held, at_doors, ports.plain, self._plain, plain),
            tls=_hold(held, at_doors, ports.tls, self._tls, tls),
            usual=usual,
        )

    # Opening and closing

    async def start_probes(self) -> None:
        """Answer probes from now on."""
        await _open(self._held_probes)

    async def start(self) -> None:
        """Open every other socket.

        Raises OSError when an address is taken.
        """
        ports = self.bound
        dns = await self._respond(_LOOPBACK, ports.dns)
        usual = ports.usual
        if usual is not None:
            usual = usual._replace(dns=await self._respond(_LOOPBACK, usual.dns))
            try:
                await self._respond(_LOOPBACK_6, usual.dns)
            except OSError as error:
                _without_ipv6(error, usual.dns)
        await _open(self._held)
        self.bound = replace(ports, dns=dns, usual=usual)
        self.is_open = self._serving = True

    async def _respond(self, host: str, port: int) -> int:
        responder = DnsResponder(self._policy)
        await responder.listen(host, port)
        self._responders.append(responder)
        return responder.port

    def leave(self) -> None:
        """Let each connection from outside end with its next response: clients go elsewhere."""
        self._inbound.leave()
        self._public.leave()

    async def stop(self, seconds: float) -> None:
        """Accept no more, let what is under way end, at most so long; probes see the end coming."""
        self._serving = False
        for responder in self._responders:
            responder.close()
        servers = (self._models, self._tls, self._plain, self._inbound, self._public)
        await asyncio.gather(*(server.drain(seconds) for server in servers))
        for task in tuple(self._at_door):
            task.cancel()
        await asyncio.gather(*self._at_door, return_exceptions=True)
        await self._probes.drain(0.0)
        for held in (*self._held, *self._held_probes):
            held.sock.close()

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


def _hold(
    held: list[_Held],
    host: str,
    port: int,
    server: HttpServer,
    on_accept: OnAccept | None = None,
    six: str = _EVERY_6,
) -> int:
    """Take a port, over IPv6 too where the address has a counterpart; return it."""
    sock = held_socket(host, port)
    held.append(_Held(sock, server, on_accept))
    taken: int = sock.getsockname()[1]
    if host == _EVERY or six == _LOOPBACK_6:
        try:
            held.append(_Held(held_socket(six, taken), server, on_accept))
        except OSError as error:
            _without_ipv6(error, taken)
    return taken


def _without_ipv6(error: OSError, port: int) -> None:
    """Pass over a namespace that has no IPv6: then nobody comes over it either.

    Raises the error when it says anything else.
    """
    if error.errno not in _NO_IPV6:
        raise error
    log.info("not listening on IPv6", port=port, reason=error.strerror or "")


async def _open(held: list[_Held]) -> None:
    while held:
        sock, server, on_accept = held.pop()
        open_held(sock)
        await server.listen_socket(sock, on_accept=on_accept)


def _text(went: tuple[str, int] | None) -> str:
    return f"{went[0]}:{went[1]}" if went else ""
