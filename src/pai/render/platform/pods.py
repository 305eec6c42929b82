"""A Deployment of the platform: non-root, no capability, nothing writable but what is named.

Passes the Pod Security Standard `restricted`.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from typing import NamedTuple

from pai.render.platform.manifest import (
    PROBE_PORT,
    Manifest,
    labels,
    namespaced,
    object_name,
    selector,
)
from pai.render.platform.options import Options, Resources

PLATFORM_UID = 65531
_START_ATTEMPTS = 60
_SPREAD_OVER = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


class Mount(NamedTuple):
    """A volume and where it lies. source: the volume as Kubernetes writes it, without name."""

    name: str
    path: str
    source: Manifest
    read_only: bool = True


class Process(NamedTuple):
    """What differs between the platform's processes. grace_seconds: from SIGTERM to SIGKILL."""

    component: str
    image: str
    command: tuple[str, ...]
    ports: tuple[tuple[str, int], ...]
    mounts: tuple[Mount, ...]
    replicas: int
    resources: Resources
    grace_seconds: int
    strategy: Manifest
    annotations: dict[str, str]
    api_token: bool = False
    owned: Mount | None = None  # given to our UID by root before the process starts


def deployment(options: Options, process: Process) -> Manifest:
    """Return the Deployment of one component."""
    component = process.component
    template = {
        "metadata": {"labels": labels(component), "annotations": process.annotations},
        "spec": _pod(options, process),
    }
    return {
        **namespaced(options, "apps/v1", "Deployment", object_name(component), component),
        "spec": {
            "replicas": process.replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": selector(component)},
            "strategy": process.strategy,
            "template": template,
        },
    }


def service(
    options: Options, component: str, ports: tuple[tuple[str, int, str], ...], spec: Manifest
) -> Manifest:
    """Return a Service; ports: name, port, name of the container's port."""
    listed = [
        {"name": name, "port": port, "targetPort": target, "protocol": "TCP"}
        for name, port, target in ports
    ]
    head = namespaced(options, "v1", "Service", object_name(component), component)
    return {**head, "spec": {**spec, "selector": selector(component), "ports": listed}}


def disruption_budget(options: Options, component: str) -> Manifest:
    """Return the budget that lets a drain take one pod at a time; one pod alone may be taken."""
    head = namespaced(
        options, "policy/v1", "PodDisruptionBudget", object_name(component), component
    )
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector(component)}}
    return {**head, "spec": {**spec, "unhealthyPodEvictionPolicy": "AlwaysAllow"}}


def rolling() -> Manifest:
    """Return the strategy that never has less than the wanted number of pods."""
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def _pod(options: Options, process: Process) -> Manifest:
    pod: Manifest = {
        "serviceAccountName": object_name(process.component),
        "automountServiceAccountToken": process.api_token,
        "enableServiceLinks": False,
        "securityContext": _pod_security(),
        "terminationGracePeriodSeconds": process.grace_seconds,
        "topologySpreadConstraints": [_spread(process.component, key) for key in _SPREAD_OVER],
        "containers": [_container(options, process)],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            *({"name": mount.name, **mount.source} for mount in process.mounts),
        ],
    }
    if process.owned is not None:
        pod["initContainers"] = [_owner(options, process, process.owned)]
    if options.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in options.image_pull_secrets]
    return pod


def _owner(options: Options, process: Process, mount: Mount) -> Manifest:
    """Return the container that owns one directory to our UID, with no right besides."""
    script = f"import os; os.chown({mount.path!r}, {PLATFORM_UID}, {PLATFORM_UID})"
    return {
        "name": "owner",
        "image": process.image,
        "imagePullPolicy": options.pull_policy,
        "command": ["python3", "-c", script],
        "securityContext": {
            "runAsNonRoot": False,
            "runAsUser": 0,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
            "readOnlyRootFilesystem": True,
        },
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"memory": "64Mi"},
        },
        "volumeMounts": [_mounted(mount)],
    }


def _pod_security() -> Manifest:
    return {
        "runAsNonRoot": True,
        "runAsUser": PLATFORM_UID,
        "runAsGroup": PLATFORM_UID,
        "fsGroup": PLATFORM_UID,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _container(options: Options, process: Process) -> Manifest:
    ports = (*process.ports, ("probes", PROBE_PORT))
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]
    mounts += [_mounted(mount) for mount in process.mounts]
    resources = process.resources
    return {
        "name": process.component,
        "image": process.image,
        "imagePullPolicy": options.pull_policy,
        # So that whoever waits for the pod is told why it ended.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "command": list(process.command),
        "ports": [{"name": name, "containerPort": port} for name, port in ports],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "resources": {
            "requests": {"cpu": resources.cpu, "memory": resources.memory},
            "limits": {"memory": resources.memory_limit},
        },
        "startupProbe": {**_probe("/livez"), "failureThreshold": _START_ATTEMPTS},
        "livenessProbe": {**_probe("/livez"), "periodSeconds": 10, "failureThreshold": 3},
        "readinessProbe": {**_probe("/readyz"), "failureThreshold": 2},
        "volumeMounts": mounts,
    }


def _mounted(mount: Mount) -> Manifest:
    mounted: Manifest = {"name": mount.name, "mountPath": mount.path}
    return {**mounted, "readOnly": True} if mount.read_only else mounted


def _probe(path: str) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "probes"},
        "periodSeconds": 2,
        "timeoutSeconds": 2,
    }


def _spread(component: str, key: str) -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(component)},
    }
