"""Gateway and edge: no right in the cluster, and one Secret each that control makes for them."""

from pai.render.platform.manifest import (
    EDGE,
    EDGE_PORT,
    GATEWAY,
    GATEWAY_PORT,
    METRICS_PORT,
    PROBE_PORT,
    Manifest,
    namespaced,
    object_name,
    scraped,
)
from pai.render.platform.options import Options
from pai.render.platform.pods import Mount, Process, deployment, rolling, service

_BOOTSTRAP_DIRECTORY = "/etc/pai"
# From SIGTERM: time for endpoints to be forgotten, then the longest drain, then settlements.
_LEAD_SECONDS = 5
_GATEWAY_GRACE_SECONDS = 60
_EDGE_GRACE_SECONDS = 60
_GATEWAY_WORKERS = 2


def gateway_deployment(options: Options) -> Manifest:
    """Return the gateway's Deployment."""
    command = (
        *_start("pai.gateway"),
        *("--workers", str(_GATEWAY_WORKERS)),
        *("--listen-tls", f"0.0.0.0:{GATEWAY_PORT}"),
        *("--listen-metrics", f"0.0.0.0:{METRICS_PORT}"),
        *_ending(),
    )
    process = Process(
        component=GATEWAY,
        image=options.image,
        command=command,
        ports=(("models", GATEWAY_PORT), ("metrics", METRICS_PORT)),
        mounts=(_bootstrap(GATEWAY),),
        replicas=options.gateway_replicas,
        resources=options.gateway_resources,
        grace_seconds=_GATEWAY_GRACE_SECONDS,
        strategy=rolling(),
        annotations=scraped(METRICS_PORT),
    )
    return deployment(options, process)


def gateway_service(options: Options) -> Manifest:
    """Return the one address that sidecars dial."""
    ports = (("models", GATEWAY_PORT, "models"),)
    return service(options, GATEWAY, ports, {"type": "ClusterIP"})


def edge_deployment(options: Options) -> Manifest:
    """Return the edge's Deployment."""
    command = (*_start("pai.edge"), "--listen", f"0.0.0.0:{EDGE_PORT}", *_ending())
    process = Process(
        component=EDGE,
        image=options.image,
        command=command,
        ports=(("web", EDGE_PORT),),
        mounts=(_bootstrap(EDGE),),
        replicas=options.edge_replicas,
        resources=options.edge_resources,
        grace_seconds=_EDGE_GRACE_SECONDS,
        strategy=rolling(),
        annotations={},
    )
    return deployment(options, process)


def edge_service(options: Options) -> Manifest:
    """Return the way in from outside; Local keeps the client's own address for allowCIDRs."""
    kind = options.edge_service
    spec: Manifest = {"type": kind}
    if kind != "ClusterIP":
        spec["externalTrafficPolicy"] = "Local"
    return service(options, EDGE, (("web", 80, "web"),), spec)


def edge_ingress(options: Options) -> Manifest:
    """Return the Ingress that ends TLS for `*.DOMAIN` in front of the edge."""
    host = f"*.{options.domain}"
    backend = {"service": {"name": object_name(EDGE), "port": {"name": "web"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: Manifest = {
        "tls": [{"hosts": [host], "secretName": options.tls_secret}],
        "rules": [{"host": host, "http": {"paths": [path]}}],
    }
    if options.ingress_class:
        spec["ingressClassName"] = options.ingress_class
    head = namespaced(options, "networking.k8s.io/v1", "Ingress", object_name(EDGE), EDGE)
    return {**head, "spec": spec}


def _start(module: str) -> tuple[str, ...]:
    return ("python3", "-m", module, "--bootstrap", f"{_BOOTSTRAP_DIRECTORY}/bootstrap.json")


def _ending() -> tuple[str, ...]:
    probes = ("--listen-probes", f"0.0.0.0:{PROBE_PORT}")
    return (*probes, "--drain-lead-seconds", str(_LEAD_SECONDS))


def _bootstrap(component: str) -> Mount:
    """Return the Secret that control makes; the pod waits for it before it starts."""
    source = {"secret": {"secretName": f"pai-{component}-bootstrap", "defaultMode": 0o440}}
    return Mount("bootstrap", _BOOTSTRAP_DIRECTORY, source)
