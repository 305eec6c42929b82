"""Which host leads where: compiled from a snapshot, asked for each connection and request.

Providers come before LLM vendors, and both before hosts that are passed through, so that a host
with a policy can't be reached around it. Within a group the exact name wins, then the longest
suffix.
"""

import hashlib
from dataclasses import dataclass, field

from pai.ir.agent import EgressRule
from pai.ir.provider import Provider
from pai.ir.snapshot import SidecarProvider, SidecarSnapshot
from pai.policy.engine import Rules
from pai.providers.mask import Mask
from pai.providers.plugin import CredentialError, ProviderPlugin, secret_of
from pai.providers.redact import Redactor
from pai.providers.registry import plugin_for

_SERVICE_SUFFIXES = (".svc", ".svc.cluster.local")


@dataclass(frozen=True, slots=True, eq=False)
class ProviderRoute:
    """A service with policy and credential.

    secret: None when it can't be used; fault then says why. partition: digest that keeps
    connections of different credentials apart.
    """

    provider: Provider
    plugin: ProviderPlugin
    rules: Rules
    secret: str | None = field(repr=False)
    fault: str
    redactor: Redactor = field(repr=False)
    mask: Mask = field(repr=False)
    partition: str = field(repr=False)
    dummy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LlmRoute:
    """A vendor's hostname that leads to the gateway."""


@dataclass(frozen=True, slots=True)
class PassRoute:
    """A host that is passed through untouched.

    exact: the operator wrote this very name, so it may lead to a private address; of a wildcard
    the agent chooses the name. audited: not listed, passed by `egress.mode`. service: the name is
    that of a Service of the cluster, written out by the operator.
    """

    ports: frozenset[int]
    rule: str
    exact: bool = False
    audited: bool = False
    service: bool = False

    def opens(self, port: int) -> bool:
        """Whether a port is among those listed; audit mode opens all."""
        return self.audited or port in self.ports


@dataclass(frozen=True, slots=True)
class AmbiguousRoute:
    """Two providers claim the host; neither's credential is used."""

    providers: tuple[str, ...]


Route = ProviderRoute | LlmRoute | PassRoute | AmbiguousRoute
AUDITED_PASS = PassRoute(frozenset(), "egress.mode: audit", audited=True)


class _Hosts:
    """Routes by exact name or by `*.suffix`."""

    def __init__(self) -> None:
        self._exact: dict[str, Route] = {}
        self._suffix: dict[str, Route] = {}

    def add(self, host: str, route: Route) -> None:
        host = host.lower().rstrip(".")
        table, key = (self._suffix, host[1:]) if host.startswith("*.") else (self._exact, host)
        known = table.get(key)
        table[key] = route if known is None else _joined(known, route)

    def find(self, host: str) -> Route | None:
        found = self._exact.get(host)
        dot = host.find(".")
        while found is None and dot != -1:
            found = self._suffix.get(host[dot:])
            dot = host.find(".", dot + 1)
        return found


def _joined(known: Route, new: Route) -> Route:
    if isinstance(known, PassRoute) and isinstance(new, PassRoute):
        ports, rule = known.ports | new.ports, f"{known.rule}; {new.rule}"
        return PassRoute(ports, rule, known.exact, service=known.service)
    names = tuple(route.provider.name for route in (known, new) if isinstance(route, ProviderRoute))
    if isinstance(known, AmbiguousRoute):
        names = (*known.providers, *names)
    return AmbiguousRoute(names) if names else known


class Routes:
    """Every host the agent may name. names are lower case, without a final dot."""

    def __init__(self, snapshot: SidecarSnapshot) -> None:
        self.providers = tuple(_provider_route(item) for item in snapshot.providers)
        self.audit_mode = snapshot.egress.mode == "audit"
        services, llm, passed = _Hosts(), _Hosts(), _Hosts()
        for route in self.providers:
            for host in route.provider.hosts:
                services.add(host, route)
        for host in snapshot.llm_hosts:
            llm.add(host, LlmRoute())
        for rule in snapshot.egress.allow:
            exact = not rule.host.startswith("*.")
            service = exact and rule.host.endswith(_SERVICE_SUFFIXES)
            ports = frozenset(rule.ports)
            passed.add(rule.host, PassRoute(ports, _text(rule), exact, service=service))
        self._groups = (services, llm, passed)

    def find(self, host: str) -> Route | None:
        """Return where a host leads; None = refused."""
        for group in self._groups:
            route = group.find(host)
            if route is not None:
                return route
        return AUDITED_PASS if self.audit_mode else None


def _text(rule: EgressRule) -> str:
    return f"egress.allow: {rule.host} {','.join(map(str, rule.ports))}"


def _provider_route(item: SidecarProvider) -> ProviderRoute:
    provider = item.provider
    secret, fault = None, ""
    try:
        secret = secret_of(provider, item.credential)
    except CredentialError as error:
        fault = str(error)
    dummy = item.dummy.encode()
    real = (secret.encode(),) if secret else ()
    digest = hashlib.sha256(repr((provider.name, sorted(item.credential.items()))).encode())
    return ProviderRoute(
        provider=provider,
        plugin=plugin_for(provider.type),
        rules=Rules.of(provider),
        secret=secret,
        fault=fault,
        redactor=Redactor(real, dummy),
        mask=Mask(real, dummy),
        partition=digest.hexdigest(),
        dummy=dummy,
    )
