"""Everything that follows from one snapshot, built in full before it replaces the one in use."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from pai.errors import SpecError
from pai.ir.service_name import full_name
from pai.ir.snapshot import Network, SidecarSnapshot
from pai.sidecar.gateway_resolver import STALE_SECONDS, GatewayResolver
from pai.sidecar.routes import PassRoute, Routes
from pai.wire.client import ClientPool
from pai.wire.dial import Dialer, FixedDialer, NamedDialer
from pai.wire.dns import Cache, Resolver
from pai.wire.endpoint import Endpoint
from pai.wire.guard import inside
from pai.wire.limits import ClientLimits
from pai.wire.tls import client_context, only_ca_context, server_context

LLM = "models"
GATEWAY_NAME = "gateway.pai.internal"
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_RETIRE_PERIOD_SECONDS = 1.0
_NEAR_SILENCE_SECONDS = 900.0


class State:
    """One snapshot at work. Secrets are inside; never logged.

    upstream: to services. named, unnamed: to hosts that are passed through, by whether the
    operator wrote the name or the agent chose it. services: to Services of the cluster. near: to
    the gateway and to the agent's port. answers: where the gateway's about names are kept.
    """

    def __init__(
        self, snapshot: SidecarSnapshot, limits: ClientLimits, answers: Cache | None = None
    ) -> None:
        network = snapshot.network
        self.snapshot = snapshot
        self.routes = Routes(snapshot)
        self.dummies = _dummies(snapshot)
        self.leaf = _leaf(snapshot)
        tls = client_context(network.extra_ca_pem)
        self.gateway, near, near_tls = _gateway(snapshot)
        self.near = ClientPool(near, near_tls, _patient(limits))
        names = self._names(answers or Cache(STALE_SECONDS))
        self.upstream = ClientPool(Dialer(network, declared=True, resolver=names), tls, limits)
        self.named = Way(network, tls, limits, names, declared=True)
        self.unnamed = Way(network, tls, limits, names, declared=False)
        inner = (*network.private_upstreams, *network.services)
        within = msgspec.structs.replace(network, private_upstreams=inner)
        self.services = Way(within, tls, limits, names, declared=True)

    def _names(self, answers: Cache) -> Resolver | None:
        """Return what asks the gateway for addresses; None = dialers ask nameservers."""
        network = self.snapshot.network
        if not network.resolve_through_gateway:
            return None
        token = self.snapshot.gateway_token
        return GatewayResolver(self.near, self.gateway, token, network.static_hosts, answers)

    def way_for(self, route: PassRoute) -> "Way":
        """Return what dials for a host that is passed through."""
        if route.service:
            return self.services
        return self.named if route.exact else self.unnamed

    async def retire(self) -> None:
        """Close the connections of a state that is no longer served, once they are idle."""
        pools = self._pools
        while any(pool.connections > pool.idle for pool in pools):
            for pool in pools:
                if pool.connections == pool.idle:
                    pool.close()
            await asyncio.sleep(_RETIRE_PERIOD_SECONDS)
        self.close()

    def close(self) -> None:
        """Close every connection to the outside, also those in use."""
        for pool in self._pools:
            pool.close()

    @property
    def _pools(self) -> tuple[ClientPool, ...]:
        ways = (self.named, self.unnamed, self.services)
        return (self.upstream, self.near, *(way.pool for way in ways))


class Way:
    """Out to hosts without a credential: raw by `dialer`, as HTTP by `pool`."""

    def __init__(
        self,
        network: Network,
        tls: ssl.SSLContext,
        limits: ClientLimits,
        names: Resolver | None,
        *,
        declared: bool,
    ) -> None:
        self.dialer = _OpenDialer(network, declared=declared, resolver=names)
        self.pool = ClientPool(self.dialer, tls, limits)


class _OpenDialer(Dialer):
    """Never dials loopback, whatever is listed: behind it are our own listeners."""

    def addresses(self, endpoint: Endpoint) -> AsyncIterator[tuple[str, int]]:
        """Yield candidates; the short name of a Service is asked for by its full one."""
        return super().addresses(endpoint._replace(host=full_name(endpoint.host)))

    def refusal(self, address: str) -> str | None:
        """Return why `address` may not be dialled, or None."""
        if inside(address, _LOOPBACK):
            return f"{address} is loopback"
        return super().refusal(address)


def _patient(limits: ClientLimits) -> ClientLimits:
    """Return limits for what is near: what is behind it decides how long silence may last."""
    return replace(
        limits, first_byte_seconds=_NEAR_SILENCE_SECONDS, idle_seconds=_NEAR_SILENCE_SECONDS
    )


def _leaf(snapshot: SidecarSnapshot) -> ssl.SSLContext | None:
    if not snapshot.cert_pem:
        return None
    try:
        return server_context(snapshot.cert_pem, snapshot.key_pem)
    except (ssl.SSLError, ValueError):
        raise SpecError("the leaf certificate and its key can't be used together") from None


def _dummies(snapshot: SidecarSnapshot) -> tuple[tuple[bytes, str], ...]:
    services = [(item.dummy.encode(), item.provider.name) for item in snapshot.providers]
    return (*services, *((dummy.encode(), LLM) for dummy in snapshot.llm_dummies))


def _gateway(snapshot: SidecarSnapshot) -> tuple[Endpoint, Dialer, ssl.SSLContext | None]:
    """Return where the gateway is, what dials for what is near, and whom that trusts.

    Raises SpecError.
    """
    base = snapshot.gateway
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SpecError(f"gateway: {base!r} is not a base URL")
    if parts.scheme == "http":
        if snapshot.network.resolve_through_gateway:
            raise SpecError("gateway: one that is asked for names must be https://IP:PORT")
        endpoint = Endpoint("http", parts.hostname, parts.port or 80)
        return endpoint, _near(endpoint, snapshot.network), None
    if not _is_literal(parts.hostname) or parts.port is None:
        raise SpecError(f"gateway: {base!r} is not https://IP:PORT")
    dialer = NamedDialer(GATEWAY_NAME, parts.hostname, parts.port)
    return Endpoint("https", GATEWAY_NAME, parts.port), dialer, _gateway_tls(snapshot)


def _gateway_tls(snapshot: SidecarSnapshot) -> ssl.SSLContext:
    """Return a context that trusts the CA of this gateway, and never a system root."""
    if not snapshot.gateway_ca_pem.strip():
        raise SpecError("gateway: https needs gateway_ca_pem, the CA of its certificate")
    try:
        return only_ca_context(snapshot.gateway_ca_pem)
    except (ssl.SSLError, ValueError):
        raise SpecError("gateway_ca_pem: not a CA certificate") from None


def _near(gateway: Endpoint, network: Network) -> Dialer:
    """Return a dialer for what control itself named; a name is a service inside the cluster."""
    if _is_literal(gateway.host):
        return FixedDialer()
    inner = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
    return Dialer(msgspec.structs.replace(network, private_upstreams=inner), declared=True)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
