"""Pieces that all objects of the platform share: names, labels, metadata."""

from typing import Any

from pai.render.platform.options import Options

Manifest = dict[str, Any]

INSTALLER = "pai-install"  # field manager, and the label by which an upgrade finds leftovers
MANAGED_BY = "app.kubernetes.io/managed-by"
PART_OF = "app.kubernetes.io/part-of"
COMPONENT = "app.kubernetes.io/component"
NAME = "app.kubernetes.io/name"
AGENT_LABEL = "pai.io/agent"

CONTROL = "control"
GATEWAY = "gateway"
EDGE = "edge"

CONTROL_INTERNAL_PORT = 8010
CONTROL_API_PORT = 8443
GATEWAY_PORT = 8443
EDGE_PORT = 8090
EDGE_TLS_PORT = 8443
SIDECAR_INBOUND_PORT = 8082
PROBE_PORT = 8081
METRICS_PORT = 9090
METRICS_PATH = "/metrics"


def object_name(component: str) -> str:
    """Return the name that all objects of one component bear."""
    return f"pai-{component}"


def labels(component: str = "") -> dict[str, str]:
    """Return the labels of an object, of one component where it belongs to one."""
    common = {NAME: "pai", PART_OF: "pai", MANAGED_BY: INSTALLER}
    return {**common, COMPONENT: component} if component else common


def selector(component: str) -> dict[str, str]:
    """Return what selects the pods of one component; never changes, as Deployments forbid it."""
    return {PART_OF: "pai", COMPONENT: component}


def cluster_object(api_version: str, kind: str, name: str, component: str = "") -> Manifest:
    """Return the head of an object that belongs to no namespace."""
    metadata = {"name": name, "labels": labels(component)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def namespaced(
    options: Options, api_version: str, kind: str, name: str, component: str = ""
) -> Manifest:
    """Return the head of an object in the platform's namespace."""
    head = cluster_object(api_version, kind, name, component)
    head["metadata"] = {"namespace": options.namespace, **head["metadata"]}
    return head


def scraped(port: int) -> dict[str, str]:
    """Return the annotations by which scrapers find a pod's figures."""
    return {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(port),
        "prometheus.io/path": METRICS_PATH,
    }
