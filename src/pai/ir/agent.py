"""Agent: one AgentWorkload with references followed and defaults filled in."""

from typing import Any, Literal

import msgspec

from pai.ir.provider import Provider, SecretRef


class AgentKey(msgspec.Struct, frozen=True, order=True):
    """Identity of an agent: namespace and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Limits(msgspec.Struct, frozen=True):
    """Limits; None = no limit at this place. Units: tokens, UTC day.

    max_concurrent: requests under way at once in one gateway worker.
    """

    max_per_day: int | None = None
    max_per_request: int | None = None
    max_concurrent: int | None = None


class Retry(msgspec.Struct, frozen=True):
    """Attempts in all, and the bounds of the exponential backoff between them."""

    max_attempts: int = 3
    min_backoff_ms: int = 200
    max_backoff_ms: int = 5000


class Timeouts(msgspec.Struct, frozen=True):
    """How long a vendor may take, in seconds.

    connect: name, connection and TLS. first_byte: until its answer begins. idle: between two parts
    of it. total: from the request's first byte to the answer's last.
    """

    connect_seconds: float = 10.0
    first_byte_seconds: float = 600.0
    idle_seconds: float = 300.0
    total_seconds: float = 3600.0


class Price(msgspec.Struct, frozen=True):
    """USD per million tokens of each kind. cached, written: reads from and writes to a cache."""

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None
    reasoning: float | None = None
    written: float | None = None


class ModelBinding(msgspec.Struct, frozen=True, kw_only=True):
    """One model of one vendor, with the secret that pays for it.

    endpoint: base URL, e.g. `https://api.openai.com/v1`; filled in for every vendor.
    """

    namespace: str
    name: str
    provider: Literal["anthropic", "gemini", "openai", "openrouter"]
    model: str
    endpoint: str
    secret: SecretRef | None
    limits: Limits = Limits()
    retry: Retry = Retry()
    prices: Price | None = None
    fallback: bool = False
    timeouts: Timeouts = Timeouts()


class Inbound(msgspec.Struct, frozen=True):
    """Port the agent listens on and who may reach it. Empty allow_cidrs = nobody."""

    port: int
    allow_cidrs: tuple[str, ...] = ()


class Volume(msgspec.Struct, frozen=True, order=True):
    """A directory that outlives restarts, one per replica."""

    name: str
    mount_path: str
    size_bytes: int


class ConfigFile(msgspec.Struct, frozen=True):
    """A file seeded on first start.

    root: mount path of the declared volume that holds `path`, or, for a file outside all of them,
    the directory that the implicit `config` volume covers. Existing files are never touched.
    """

    path: str
    root: str
    content: str


class Resources(msgspec.Struct, frozen=True):
    """CPU in thousandths of a core, memory in bytes; None = not set."""

    request_cpu_milli: int | None = None
    request_memory_bytes: int | None = None
    limit_cpu_milli: int | None = None
    limit_memory_bytes: int | None = None


class Expose(msgspec.Struct, frozen=True, order=True):
    """A directory of the agent served read-only at a public path."""

    url_path: str
    directory: str
    allow_cidrs: tuple[str, ...] = ("0.0.0.0/0", "::/0")


class EgressRule(msgspec.Struct, frozen=True, order=True):
    """A host that is passed through untouched. host: exact, or `*.suffix`."""

    host: str
    ports: tuple[int, ...] = (443,)


class Egress(msgspec.Struct, frozen=True):
    """What may leave besides models and providers."""

    allow: tuple[EgressRule, ...] = ()
    mode: Literal["deny", "audit"] = "deny"


class Filesystem(msgspec.Struct, frozen=True):
    """Write confinement; `None` in place of it confines nothing."""

    read_only_paths: tuple[str, ...] = ()
    writable_paths: tuple[str, ...] = ()
    enforcement: Literal["besteffort", "strict"] = "besteffort"


class Metric(msgspec.Struct, frozen=True):
    """One autoscaling signal. url and json_path belong to type `http`."""

    type: Literal["tokenRate", "http"]
    target_value_per_replica: float
    url: str | None = None
    json_path: str = ""


class Autoscaling(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds and pace of the replica count. Units: seconds."""

    max_replicas: int
    min_replicas: int = 1
    scale_up_cooldown_seconds: int = 60
    scale_down_cooldown_seconds: int = 300
    scale_down_stabilization_window_seconds: int = 120
    poll_interval_seconds: int = 30
    metrics: tuple[Metric, ...] = ()


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One question that Kubernetes asks the agent; exactly one of path and command is set.

    path: HTTP GET on `inbound.port`, asked through the sidecar. command: run in the container.
    """

    path: str = ""
    command: tuple[str, ...] = ()
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    failure_threshold: int = 3


class Pod(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the agent's pods that Kubernetes alone knows.

    tolerations, affinity: in Kubernetes' own form. node_selector: sorted by label.
    image_pull_secrets: names of Secrets in the agent's namespace.
    """

    priority_class_name: str | None = None
    runtime_class_name: str | None = None
    node_selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[dict[str, Any], ...] = ()
    affinity: dict[str, Any] | None = None
    image_pull_secrets: tuple[str, ...] = ()
    liveness: Probe | None = None
    readiness: Probe | None = None
    startup: Probe | None = None
    storage_class_name: str | None = None
    termination_grace_seconds: int = 10


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to run one agent; no secret value, only names.

    uid: of the resource, changes when it is deleted and made anew. host_id: first label of its URL,
    stable for a (namespace, name). env: name-value pairs, the spec's own over personal ones,
    sorted by name. command: empty = the image's own.
    """

    key: AgentKey
    uid: str
    host_id: str
    generation: int
    image: str
    command: tuple[str, ...] = ()
    run_as_user: int = 65532
    replicas: int = 1
    paused: bool = False
    models: tuple[ModelBinding, ...] = ()
    providers: tuple[Provider, ...] = ()
    inbound: Inbound | None = None
    volumes: tuple[Volume, ...] = ()
    config_files: tuple[ConfigFile, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    resources: Resources = Resources()
    tokens: Limits = Limits(1_000_000, 200_000)
    expose: tuple[Expose, ...] = ()
    egress: Egress = Egress()
    filesystem: Filesystem | None = None
    autoscaling: Autoscaling | None = None
    pod: Pod = Pod()
    ops_instructions: str | None = None
    restarted_at: str | None = None

    @property
    def desired_replicas(self) -> int:
        """Replicas to run now; a paused agent runs none."""
        return 0 if self.paused else self.replicas
