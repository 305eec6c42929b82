"""What each role of the data plane may know, built from resolved agents. Pure.

A gateway sees LLM keys and hashes of agents' tokens; a sidecar its own agent's credentials; the
edge no secret but the tokens by which sidecars know it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from pai.control.dialled import dialled_names
from pai.control.identity import Identities
from pai.control.pki import Leaf
from pai.ir.agent import Agent, AgentKey, ModelBinding
from pai.ir.provider import Provider, SecretRef
from pai.ir.settings import Settings
from pai.ir.snapshot import (
    EdgeRoute,
    EdgeSnapshot,
    GatewayAgent,
    GatewayBinding,
    GatewaySnapshot,
    Network,
    SidecarInbound,
    SidecarProvider,
    SidecarSnapshot,
)
from pai.translate.vendors import LLM_HOSTS

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"
# The vendors' variables as their SDKs read them.
_LLM_VARIABLES = (
    ("ANTHROPIC_API_KEY", "anthropic"),
    ("GEMINI_API_KEY", "gemini"),
    ("GOOGLE_API_KEY", "gemini"),
    ("OPENAI_API_KEY", "openai"),
    ("OPENROUTER_API_KEY", "openrouter"),
)

Values = Mapping[str, Mapping[str, str]]
"""Entries of the Secrets of one namespace, by the Secret's name."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an agent's ready replicas listen. replicas: `ip:port`; numbers: which they are."""

    replicas: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    public_port: int | None = None


def gateway_snapshot(
    agents: Iterable[Agent],
    values_of: Callable[[str], Values],
    identities: Identities,
    settings: Settings,
    network: Network,
    leaf: Leaf | None = None,
) -> GatewaySnapshot:
    """Return the gateway's snapshot. Shape: sorted by id.

    values_of: Secrets of a namespace. leaf: of its TLS listener, where it has one.
    """
    bindings: dict[str, GatewayBinding] = {}
    known = []
    for agent in sorted(agents, key=lambda item: item.key):
        values = values_of(agent.key.namespace)
        own = [_binding(model, values) for model in agent.models]
        usable = [binding for binding in own if binding is not None]
        bindings.update((binding.id, binding) for binding in usable)
        known.append(
            GatewayAgent(
                id=str(agent.key),
                token_sha256=identities.gateway_token_sha256(agent.uid),
                bindings=tuple(binding.id for binding in usable),
                limits=agent.tokens,
                names=dialled_names(agent) if network.resolve_through_gateway else (),
            )
        )
    return GatewaySnapshot(
        version=0,
        agents=tuple(known),
        bindings=tuple(bindings[name] for name in sorted(bindings)),
        network=msgspec.structs.replace(network, resolve_through_gateway=False),
        wait_for_budget_seconds=settings.wait_for_budget_seconds,
        uncounted_input=settings.uncounted_input,
        cert_pem=leaf.cert_pem if leaf else "",
        key_pem=leaf.key_pem if leaf else "",
        metrics_token_sha256=identities.metrics_token_sha256(),
        otlp_endpoint=settings.otlp_endpoint or "",
        trace_sample_ratio=settings.trace_sample_ratio,
    )


def sidecar_snapshot(
    agent: Agent,
    values: Values,
    identities: Identities,
    leaf: Leaf,
    gateway: str,
    network: Network,
    gateway_ca_pem: str = "",
) -> SidecarSnapshot:
    """Return the snapshot of an agent's replica 0; others differ in the number only.

    gateway_ca_pem: authority of a gateway that speaks TLS.
    """
    inbound = agent.inbound
    if network.resolve_through_gateway:
        network = msgspec.structs.replace(network, nameservers=())
    return SidecarSnapshot(
        version=0,
        agent=str(agent.key),
        replica=0,
        gateway=gateway,
        gateway_token=identities.gateway_token(agent.uid),
        llm_hosts=_llm_hosts(agent),
        llm_dummies=tuple(sorted({value for _, value in llm_dummies(agent, identities)})),
        providers=tuple(_provider(agent, item, values, identities) for item in agent.providers),
        cert_pem=leaf.cert_pem,
        key_pem=leaf.key_pem,
        inbound=SidecarInbound(
            port=inbound.port if inbound else None,
            allow_cidrs=inbound.allow_cidrs if inbound else (),
            edge_token=identities.edge_token(agent.uid),
            probe_paths=_probe_paths(agent),
        ),
        gateway_ca_pem=gateway_ca_pem,
        egress=agent.egress,
        network=network,
        expose=agent.expose,
    )


def edge_snapshot(
    agents: Iterable[Agent],
    places: Mapping[AgentKey, Place],
    identities: Identities,
    settings: Settings,
) -> EdgeSnapshot:
    """Return the edge's host table. Shape: sorted by agent."""
    routes = []
    for agent in sorted(agents, key=lambda item: item.key):
        place = places.get(agent.key, Place())
        inbound = agent.inbound
        routes.append(
            EdgeRoute(
                agent=str(agent.key),
                host_id=agent.host_id,
                replicas=place.replicas,
                allow_cidrs=inbound.allow_cidrs if inbound else (),
                edge_token=identities.edge_token(agent.uid),
                inbound_port=inbound.port if inbound else None,
                public_port=place.public_port if inbound else None,
                expose=agent.expose,
                paused=agent.desired_replicas == 0,
            )
        )
    return EdgeSnapshot(
        version=0,
        routes=tuple(routes),
        domain=settings.domain,
        trusted_proxies=settings.trusted_proxies,
        public_address=EVERYWHERE if settings.public else LOOPBACK,
    )


def intercepted_hosts(agent: Agent) -> tuple[str, ...]:
    """Return every host whose TLS the agent's sidecar ends, sorted."""
    hosts = {host for provider in agent.providers for host in provider.hosts}
    return tuple(sorted(hosts | set(_llm_hosts(agent))))


def llm_dummies(agent: Agent, identities: Identities) -> tuple[tuple[str, str], ...]:
    """Return the vendors' variables with the agent's dummy keys."""
    return tuple(
        (name, identities.dummy(agent.uid, vendor, "llm")) for name, vendor in _LLM_VARIABLES
    )


def provider_dummy(agent: Agent, provider: Provider, identities: Identities) -> str:
    """Return what the agent holds in place of a provider's token."""
    return identities.dummy(agent.uid, provider.type, f"provider/{provider.name}")


def environment_dummies(agent: Agent, identities: Identities) -> tuple[tuple[str, str], ...]:
    """Return all variables that hold a dummy, sorted by name; a provider's wins."""
    found = dict(llm_dummies(agent, identities))
    for provider in agent.providers:
        if provider.env_var:
            found[provider.env_var] = provider_dummy(agent, provider, identities)
    return tuple(sorted(found.items()))


def _probe_paths(agent: Agent) -> tuple[str, ...]:
    probes = (agent.pod.liveness, agent.pod.readiness, agent.pod.startup)
    return tuple(sorted({probe.path for probe in probes if probe and probe.path}))


def _llm_hosts(agent: Agent) -> tuple[str, ...]:
    """Return the vendors' hosts that lead to the gateway: all but those a provider claims.

    A binding's own endpoint is the gateway's business, the agent never sees it.
    """
    claimed = {host for provider in agent.providers for host in provider.hosts}
    return tuple(host for host in LLM_HOSTS if host not in claimed)


def _binding(model: ModelBinding, values: Values) -> GatewayBinding | None:
    """Return a binding with its key; None when it names a secret that can't be had."""
    key = _entry(model.secret, values)
    if model.secret is not None and not key:
        return None
    return GatewayBinding(
        id=f"{model.namespace}/{model.name}",
        provider=model.provider,
        model=model.model,
        endpoint=model.endpoint,
        api_key=key.strip() if key else None,
        limits=model.limits,
        retry=model.retry,
        prices=model.prices,
        fallback=model.fallback,
        timeouts=model.timeouts,
    )


def _provider(
    agent: Agent, provider: Provider, values: Values, identities: Identities
) -> SidecarProvider:
    """Return a provider with the one entry it names: cloud types need the others beside it."""
    secret = provider.secret
    entries: Mapping[str, str] = values.get(secret.name, {}) if secret else {}
    if secret and provider.type == "http-token":
        entries = {key: value for key, value in entries.items() if key == secret.key}
    return SidecarProvider(
        provider=provider,
        credential=dict(entries),
        dummy=provider_dummy(agent, provider, identities),
    )


def _entry(secret: SecretRef | None, values: Values) -> str | None:
    return values.get(secret.name, {}).get(secret.key) if secret else None


def secrets_named(agents: Sequence[Agent]) -> set[tuple[str, str]]:
    """Return (namespace, name) of every Secret whose values agents' snapshots need."""
    found = set()
    for agent in agents:
        refs = [*(m.secret for m in agent.models), *(p.secret for p in agent.providers)]
        found |= {(agent.key.namespace, ref.name) for ref in refs if ref is not None}
    return found
