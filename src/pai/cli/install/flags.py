"""The options of `pai install kubernetes`: one type each. Unset means: as before."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer


class EdgeService(StrEnum):
    """Type of the edge's Service."""

    LOAD_BALANCER = "LoadBalancer"
    NODE_PORT = "NodePort"
    CLUSTER_IP = "ClusterIP"


class PullPolicy(StrEnum):
    """When nodes ask the registry."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class Scheme(StrEnum):
    """Scheme of agents' URLs."""

    HTTP = "http"
    HTTPS = "https"


KubeContext = Annotated[
    str | None, typer.Option("--context", help="Context of the kubeconfig; the one in use there.")
]
Kubeconfig = Annotated[
    str | None,
    typer.Option("--kubeconfig", help="Its file; $KUBECONFIG or ~/.kube/config if not given."),
]
SystemNamespace = Annotated[
    str, typer.Option("--namespace-of-platform", help="Namespace of the platform itself.")
]
Domain = Annotated[
    str | None, typer.Option("--domain", help="Agents are at ID.DOMAIN; localhost at first.")
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="PostgreSQL. The process list shows it: better a file.",
        metavar="URL",
    ),
]
DatabaseUrlFile = Annotated[
    str | None,
    typer.Option(
        "--database-url-file",
        metavar="FILE|-",
        help="File that holds the database's URL, or $PAI_DATABASE_URL.",
    ),
]
Sqlite = Annotated[
    bool, typer.Option("--sqlite", help="No database: one control replica with a volume.")
]
StorageClass = Annotated[
    str | None, typer.Option("--storage-class", help="Of that volume; the cluster's default.")
]
ChownVolume = Annotated[
    bool | None,
    typer.Option(
        "--chown-volume/--no-chown-volume",
        help="Own that volume to control as root, where its driver ignores fsGroup.",
    ),
]
Image = Annotated[
    str | None, typer.Option("--image", help="Image of gateway, edge and agents' sidecars.")
]
ControlImage = Annotated[str | None, typer.Option("--control-image", help="Image of control.")]
Pull = Annotated[
    PullPolicy | None, typer.Option("--pull-policy", help="When nodes ask the registry.")
]
PullSecrets = Annotated[
    list[str] | None,
    typer.Option("--image-pull-secret", help="Secret for the platform's registry; repeatable."),
]
Restricted = Annotated[
    bool | None,
    typer.Option("--restricted/--no-restricted", help="Agents' pods without root and NET_ADMIN."),
]
ControlReplicas = Annotated[
    int | None, typer.Option("--control-replicas", min=1, help="1 with SQLite, else 2 at first.")
]
GatewayReplicas = Annotated[
    int | None, typer.Option("--gateway-replicas", min=1, help="2 at first.")
]
EdgeReplicas = Annotated[int | None, typer.Option("--edge-replicas", min=1, help="2 at first.")]
EdgeServiceType = Annotated[
    EdgeService | None, typer.Option("--edge-service", help="Type of the edge's Service.")
]
TlsSecret = Annotated[
    str | None,
    typer.Option("--tls-secret", help="Certificate of *.DOMAIN: puts an Ingress before the edge."),
]
IngressClass = Annotated[str | None, typer.Option("--ingress-class", help="Of that Ingress.")]
UrlScheme = Annotated[
    Scheme | None, typer.Option("--url-scheme", help="As agents' URLs show it to the world.")
]
UrlPort = Annotated[
    int | None,
    typer.Option("--url-port", min=0, max=65535, help="Likewise; 0 is the scheme's own."),
]
PrivateUpstreams = Annotated[
    list[str] | None,
    typer.Option("--private-upstream", help="CIDR that upstreams may lead to; repeatable."),
]
ClusterRanges = Annotated[
    list[str] | None,
    typer.Option(
        "--cluster-range", help="CIDR of pods or Services, never an upstream; repeatable."
    ),
]
ExtraCaFile = Annotated[
    str | None,
    typer.Option(
        "--extra-ca-file",
        metavar="FILE",
        help="PEM file: authorities trusted for upstreams besides the system's.",
    ),
]
StaticHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--static-host",
        metavar="NAME=IP[:PORT]",
        help="Upstream that is found without DNS; repeatable.",
    ),
]
AgentStorageClass = Annotated[
    str | None,
    typer.Option("--agent-storage-class", help="Of agents' volumes that name none."),
]
TrustedProxies = Annotated[
    list[str] | None,
    typer.Option("--trusted-proxy", help="CIDR whose x-forwarded-for is believed; repeatable."),
]
OtlpEndpoint = Annotated[
    str | None,
    typer.Option(
        "--otlp-endpoint",
        metavar="URL",
        help="Collector that gets a span for each call of a model; empty for none.",
    ),
]
TraceSampleRatio = Annotated[
    float | None,
    typer.Option("--trace-sample-ratio", min=0, max=1, help="Part of the calls; 1 at first."),
]
ContextName = Annotated[
    str | None, typer.Option("--name", help="Name of our context; the kubeconfig's own.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Return when the platform answers.")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Seconds that it waits at most.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Write the manifests; no cluster is asked.")
]
DeleteAgents = Annotated[
    bool, typer.Option("--delete-agents", help="Delete all agents first; their volumes stay.")
]
DeleteData = Annotated[
    bool,
    typer.Option(
        "--delete-data", help="Delete control's data, too: budgets, usage, audit records, keys."
    ),
]


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return flags as the renderer's options take them; what was not given is left out."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, StrEnum):
            found[name] = value.value
        elif isinstance(value, list):
            found[name] = tuple(item for item in value if item)  # one empty text: none any more
        elif value is not None:
            found[name] = value
    return found
