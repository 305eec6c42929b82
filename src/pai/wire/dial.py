"""Connects to upstreams: resolve, check the address, dial exactly what was checked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from typing import TypeVar

from pai.ir.snapshot import Network
from pai.wire import guard
from pai.wire.dns import AAAA, A, ResolveError, Resolver
from pai.wire.dns.over_gateway import MAX_ADDRESSES
from pai.wire.dns.resolver import system_nameservers
from pai.wire.endpoint import Endpoint
from pai.wire.errors import UpstreamError

ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)


def resolver_of(network: Network) -> Resolver:
    """Return a resolver that asks the network's nameservers itself, else the machine's.

    It has nobody to ask where the gateway is asked for names: such a pod's own file leads to
    the responder in it.
    """
    if network.resolve_through_gateway:
        return Resolver((), network.static_hosts)
    return Resolver(network.nameservers or system_nameservers(), network.static_hosts)


class Dialer:
    """Opens connections for one kind of caller.

    declared: whether hosts were written down by the platform's user, so that they may lead into
    `network.private_upstreams`; what only an agent asks for may not.
    """

    def __init__(
        self, network: Network, *, declared: bool, resolver: Resolver | None = None
    ) -> None:
        self._private = network.private_upstreams if declared else ()
        self._refused = network.refused
        self._resolver = resolver or resolver_of(network)

    async def connect(
        self,
        endpoint: Endpoint,
        factory: Callable[[], ProtocolT],
        tls: ssl.SSLContext | None = None,
    ) -> tuple[asyncio.Transport, ProtocolT]:
        """Connect to `endpoint` and return its transport and protocol.

        tls: used for scheme https; the certificate must be for `endpoint.host`.
        Raises UpstreamError.
        """
        if endpoint.scheme == "unix":
            return await _connect_unix(endpoint.host, factory)
        context = tls if endpoint.scheme == "https" else None
        if endpoint.scheme == "https" and context is None:
            raise UpstreamError("tls", f"{endpoint.host}: no TLS context for an https endpoint")
        failure = UpstreamError("refused", f"{endpoint.host}: no such name, or no address")
        async for address, port in self.addresses(endpoint):
            refusal = self.refusal(address)
            if refusal is not None:
                failure = UpstreamError("refused", f"{endpoint.host}: {refusal}")
                continue
            try:
                return await _connect(endpoint.host, address, port, factory, context)
            except ssl.SSLError as error:
                raise UpstreamError("tls", f"{endpoint.host}: {_tls_reason(error)}") from None
            except OSError as error:
                reason = error.strerror or str(error) or type(error).__name__
                failure = UpstreamError("connect", f"{endpoint.host} ({address}:{port}): {reason}")
        raise failure

    def refusal(self, address: str) -> str | None:
        """Return why `address` may not be dialled, or None."""
        if self._refused and guard.inside(address, self._refused):
            return f"{address} is the cluster's API server"
        return guard.check(address, self._private)

    async def addresses(self, endpoint: Endpoint) -> AsyncIterator[tuple[str, int]]:
        """Yield candidates, IPv4 first; IPv6 is asked for only when none of those would do.

        Raises UpstreamError when the name can't be resolved.
        """
        literal = _literal(endpoint.host)
        if literal is not None:
            yield literal, endpoint.port
            return
        static = self._resolver.static(endpoint.host)
        if static is not None:
            yield static[0], static[1] or endpoint.port
            return
        for qtype in (A, AAAA):
            try:
                found = await self._resolver.resolve(endpoint.host, qtype)
            except ResolveError as error:
                raise UpstreamError("connect", error.message) from None
            for address in found[:MAX_ADDRESSES]:
                yield address, endpoint.port


class FixedDialer(Dialer):
    """Dials only literal addresses and unix sockets, unchecked: for what control itself named."""

    def __init__(self) -> None:
        super().__init__(Network(nameservers=()), declared=True, resolver=Resolver(()))

    def refusal(self, address: str) -> str | None:
        """Return None: the address is control's own choice."""
        return None


class NamedDialer(FixedDialer):
    """Dials one literal address for one name: of the name, only the certificate must know."""

    def __init__(self, name: str, address: str, port: int) -> None:
        super().__init__()
        self._name, self._at = name, (address, port)

    async def addresses(self, endpoint: Endpoint) -> AsyncIterator[tuple[str, int]]:
        """Yield the address of the name; a literal one is dialled as it is."""
        if endpoint.host == self._name:
            yield self._at
            return
        async for candidate in super().addresses(endpoint):
            yield candidate


def _literal(host: str) -> str | None:
    try:
        return str(ip_address(host))
    except ValueError:
        return None


async def _connect(
    name: str,
    address: str,
    port: int,
    factory: Callable[[], ProtocolT],
    context: ssl.SSLContext | None,
) -> tuple[asyncio.Transport, ProtocolT]:
    # a literal address never reaches getaddrinfo
    transport, protocol = await asyncio.get_running_loop().create_connection(
        factory,
        address,
        port,
        ssl=context,
        server_hostname=name if context is not None else None,
    )
    return transport, protocol


async def _connect_unix(
    path: str, factory: Callable[[], ProtocolT]
) -> tuple[asyncio.Transport, ProtocolT]:
    try:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_unix_connection(factory, path)
    except OSError as error:
        raise UpstreamError("connect", f"{path}: {error.strerror or error}") from None
    return transport, protocol


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    return f"TLS handshake failed: {error.reason or type(error).__name__}"
