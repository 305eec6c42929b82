"""What control tells each data-plane process. The only types here that carry secret values.

Travel as JSON (`msgspec.json`) over the internal API, see docs/internals.md. A process gets the
snapshot of its own role only: a gateway never sees provider credentials, a sidecar no LLM key, an
edge no key at all.
"""

import msgspec

from pai.ir.agent import Egress, Expose, Limits, Price, Retry, Timeouts
from pai.ir.provider import Provider


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """How upstream addresses are found and which are refused.

    nameservers: `ip` or `ip:port`. private_upstreams: CIDRs which declared hosts may lead to.
    static_hosts: name to `ip` or `ip:port`, consulted before DNS. refused: CIDRs of a cluster's API
    server, dialled by nobody. services: CIDRs of a cluster's Services, which names of Services in
    `egress.allow` may lead to. extra_ca_pem: trusted for
    upstreams besides the system's roots. resolve_through_gateway: a sidecar asks the gateway for
    addresses and no nameserver ever; its list of those is empty then.
    """

    nameservers: tuple[str, ...]
    private_upstreams: tuple[str, ...] = ()
    static_hosts: dict[str, str] = {}
    refused: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    extra_ca_pem: str = ""
    resolve_through_gateway: bool = False


class GatewayBinding(msgspec.Struct, frozen=True, kw_only=True):
    """A model binding with the key that pays for it. id: `namespace/name`."""

    id: str
    provider: str
    model: str
    endpoint: str
    api_key: str | None
    limits: Limits = Limits()
    retry: Retry = Retry()
    prices: Price | None = None
    fallback: bool = False
    timeouts: Timeouts = Timeouts()


class GatewayAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as the gateway knows it. id: `namespace/name`; bindings: ids, in order.

    names: what its sidecars may ask the gateway for addresses of: host names, `*.suffix`, or `*`
    for every name. Shape: sorted, unique.
    """

    id: str
    token_sha256: str
    bindings: tuple[str, ...]
    limits: Limits = Limits()
    names: tuple[str, ...] = ()


class GatewaySnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one gateway worker needs. version grows with each change.

    uncounted_input: learn or refuse, see `Settings`. cert_pem, key_pem: of the TLS listener in a
    cluster, for `gateway.pai.internal`; empty = there is none. metrics_token_sha256: of the token
    that opens the figures. otlp_endpoint, trace_sample_ratio: where spans go, see `Settings`.
    """

    version: int
    agents: tuple[GatewayAgent, ...]
    bindings: tuple[GatewayBinding, ...]
    network: Network
    wait_for_budget_seconds: float = 30.0
    uncounted_input: str = "learn"
    cert_pem: str = ""
    key_pem: str = ""
    metrics_token_sha256: str = ""
    otlp_endpoint: str = ""
    trace_sample_ratio: float = 1.0


class SidecarProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider with its credential.

    credential: the secret's entries by key. dummy: what the agent holds in place of the token.
    """

    provider: Provider
    credential: dict[str, str]
    dummy: str


class SidecarInbound(msgspec.Struct, frozen=True, kw_only=True):
    """What the edge may reach. port None = nothing but exposed directories.

    probe_paths: the paths of the agent that the engine's probes may ask for, and nothing else.
    """

    port: int | None
    allow_cidrs: tuple[str, ...]
    edge_token: str
    probe_paths: tuple[str, ...] = ()


class SidecarSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one sidecar needs, for its own agent only.

    llm_hosts: vendors' hostnames that lead to the gateway. gateway: base URL without path; over
    https a literal address, whose certificate is for `gateway.pai.internal` and from
    gateway_ca_pem alone. cert_pem, key_pem: leaf for every intercepted host, issued for this agent.
    """

    version: int
    agent: str
    replica: int
    gateway: str
    gateway_token: str
    llm_hosts: tuple[str, ...]
    llm_dummies: tuple[str, ...]
    providers: tuple[SidecarProvider, ...]
    cert_pem: str
    key_pem: str
    inbound: SidecarInbound
    egress: Egress
    network: Network
    expose: tuple[Expose, ...] = ()
    gateway_ca_pem: str = ""


class EdgeRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One agent behind the edge.

    replicas: `ip:port` of the inbound listeners of the sidecars that are ready.
    public_port: host port of the agent's own load balancer, None without `inbound`.
    """

    agent: str
    host_id: str
    replicas: tuple[str, ...]
    allow_cidrs: tuple[str, ...]
    edge_token: str
    inbound_port: int | None = None
    public_port: int | None = None
    expose: tuple[Expose, ...] = ()
    paused: bool = False


class EdgeSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The edge's host table. public_address: where agents' own ports are bound."""

    version: int
    routes: tuple[EdgeRoute, ...]
    domain: str = "localhost"
    trusted_proxies: tuple[str, ...] = ()
    public_address: str = "127.0.0.1"


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision of a sidecar. at: RFC 3339, UTC. No header, body, query value or key.

    decision: allowed, denied or audited (violation that was let pass). Source: contract, section 4.
    """

    at: str
    agent: str
    replica: int
    decision: str
    reason: str
    host: str = ""
    method: str = ""
    path: str = ""
    provider: str = ""
    action: str = ""
    resource: str = ""
    rule: str = ""
    status: int = 0
    duration_ms: float = 0.0
