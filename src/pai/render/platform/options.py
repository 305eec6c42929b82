"""What is decided when the platform is put on a cluster; no secret among it."""

import re
from typing import Literal

import msgspec

from pai.errors import SpecError
from pai.ir.settings import check_telemetry
from pai.render.platform.upstreams import check_authorities, static_hosts

DATABASE_SECRET = "pai-database"

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_REPLICAS_WITH_DATABASE = 2

Database = Literal["sqlite", "url"]


class Resources(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one container asks for, and the memory it may take at most. Kubernetes quantities."""

    cpu: str = "100m"
    memory: str = "128Mi"
    memory_limit: str = "512Mi"


class Options(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Everything that the platform's objects depend on.

    image: of gateway, edge and everything in agents' pods. database: `sqlite` on a claim of one
    control replica, or `url` from the Secret `pai-database`. control_replicas: 0 = as many as the
    database bears. url_port: 0 = the scheme's own. tls_secret: of type kubernetes.io/tls and valid
    for `*.DOMAIN`; with it an Ingress (of ingress_class, "" = the cluster's default) leads to the
    edge. storage_class, agent_storage_class: of control's claim and of
    agents' volumes, "" = the cluster's default. chown_volume: for storage drivers that ignore
    fsGroup; costs the namespace Pod Security `restricted`, as it takes a root init container.
    cluster_ranges: of pods and Services. extra_ca_pem: authorities trusted for upstreams besides
    the system's. static_hosts: `NAME=IP[:PORT]` each, consulted before DNS. otlp_endpoint,
    trace_sample_ratio: where gateways send spans, "" = nowhere, and for which part of the calls.
    """

    namespace: str = "pai-system"
    image: str = "localhost/pai:latest"
    control_image: str = "localhost/pai-control:latest"
    domain: str = "localhost"
    url_scheme: Literal["http", "https"] = "http"
    url_port: int = 0
    tls_secret: str = ""
    ingress_class: str = ""
    edge_service: Literal["LoadBalancer", "NodePort", "ClusterIP"] = "LoadBalancer"
    database: Database = "sqlite"
    storage_class: str = ""
    storage_size: str = "2Gi"
    chown_volume: bool = False
    control_replicas: int = 0
    gateway_replicas: int = 2
    edge_replicas: int = 2
    restricted: bool = False
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    private_upstreams: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    cluster_ranges: tuple[str, ...] = ()
    extra_ca_pem: str = ""
    static_hosts: tuple[str, ...] = ()
    agent_storage_class: str = ""
    otlp_endpoint: str = ""
    trace_sample_ratio: float = 1.0
    control_resources: Resources = Resources(cpu="100m", memory="192Mi", memory_limit="1Gi")
    gateway_resources: Resources = Resources(cpu="100m", memory="128Mi", memory_limit="1Gi")
    edge_resources: Resources = Resources(cpu="50m", memory="64Mi", memory_limit="256Mi")

    @property
    def needs_chown(self) -> bool:
        """Say whether an init container gives control's volume to its UID."""
        return self.chown_volume and self.database == "sqlite"

    @property
    def controls(self) -> int:
        """How many control replicas run."""
        return self.control_replicas or (_REPLICAS_WITH_DATABASE if self.database == "url" else 1)


def checked(options: Options) -> Options:
    """Return `options` unchanged. Raises SpecError when no platform can be made of them."""
    if not _LABEL.fullmatch(options.namespace):
        raise SpecError(f"namespace: {options.namespace!r} is not a name of a namespace")
    if not _DOMAIN.fullmatch(options.domain):
        raise SpecError(f"domain: {options.domain!r} is not a domain", hint="lower case, no port")
    for field in ("image", "control_image"):
        if not getattr(options, field) or any(c.isspace() for c in getattr(options, field)):
            raise SpecError(f"{field}: {getattr(options, field)!r} is not the name of an image")
    static_hosts(options.static_hosts)
    check_authorities(options.extra_ca_pem)
    check_telemetry(options.otlp_endpoint, options.trace_sample_ratio)
    counts = (options.controls, options.gateway_replicas, options.edge_replicas)
    if min(counts) < 1:
        raise SpecError("replicas: at least one of control, gateway and edge")
    if options.tls_secret and options.url_scheme != "https":
        raise SpecError("urlScheme: agents behind a TLS secret are at https", hint="https")
    if options.database == "sqlite" and options.controls > 1:
        raise SpecError(
            f"controlReplicas: {options.controls} replicas can't share one SQLite file",
            hint="give a PostgreSQL database with --database-url-file, or one replica",
        )
    return options
