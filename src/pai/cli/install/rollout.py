"""How far a Deployment, its pods and the aggregated API are. Pure."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pai.kube import Json

_FAILED_PULLS = ("ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
_FAILED_STARTS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_NO_FILE = "unable to open database file"
_NOT_OURS = (
    "the volume's driver seems to ignore fsGroup: --chown-volume, or another --storage-class"
)
_CRASHES = 3
_LONGEST = 300


class Progress(NamedTuple):
    """said: "" once it is done. failure and hint: why it will not get there by itself."""

    said: str
    failure: str = ""
    hint: str = ""


def deployment_progress(deployment: Json | None, pods: Sequence[Json]) -> Progress:
    """Say how far a Deployment is; pods: those of its component."""
    if deployment is None:
        return Progress("not there yet")
    name, namespace = deployment["metadata"]["name"], deployment["metadata"]["namespace"]
    wanted = int(deployment["spec"].get("replicas", 1))
    ready = _ready(deployment, wanted)
    if ready == wanted:
        return Progress("")
    for pod in _newest(pods):
        trouble = _trouble(pod, namespace)
        if trouble.failure:
            failure = f"deployment/{name}: {trouble.failure}"
            return Progress(trouble.said, failure, trouble.hint)
        if trouble.said:
            return Progress(f"{ready} of {wanted} available ({trouble.said})")
    return Progress(f"{ready} of {wanted} available")


def api_progress(service: Json | None) -> Progress:
    """Say whether the API server reaches control through the aggregation layer."""
    condition = _condition(service or {}, "Available")
    if condition.get("status") == "True":
        return Progress("")
    told = condition.get("message") or condition.get("reason") or "not looked at yet"
    return Progress(" ".join(str(told).split()))


def established(definition: Json | None) -> bool:
    """Say whether a resource definition is in use."""
    return _condition(definition or {}, "Established").get("status") == "True"


def _ready(deployment: Json, wanted: int) -> int:
    """Return how many new pods are available; `wanted` only when no old one is left, either.

    Source: kubectl's own rollout status.
    """
    status = deployment.get("status") or {}
    generation = deployment["metadata"].get("generation", 0)
    if status.get("observedGeneration", 0) < generation:
        return 0
    updated = int(status.get("updatedReplicas", 0))
    available = min(int(status.get("availableReplicas", 0)), updated)
    old_left = int(status.get("replicas", 0)) > updated
    return min(available, wanted - 1) if old_left else min(available, wanted)


def _newest(pods: Sequence[Json]) -> list[Json]:
    """Return the pods of the newest template; those of an older one may fail as they like."""
    if not pods:
        return []
    newest = max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    return [pod for pod in pods if _template(pod) == _template(newest)]


def _template(pod: Json) -> str:
    return str((pod["metadata"].get("labels") or {}).get("pod-template-hash", ""))


def _trouble(pod: Json, namespace: str) -> Progress:
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        trouble = _waiting(str(waiting.get("reason", "")), container, pod, namespace)
        if trouble.said:
            return trouble
        if container.get("ready") is False and "running" in (container.get("state") or {}):
            return Progress("running, not ready yet")
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return Progress(f"not scheduled: {scheduled.get('message', '')}")
    return Progress("")


def _waiting(reason: str, container: Json, pod: Json, namespace: str) -> Progress:
    image, name = str(container.get("image", "")), pod["metadata"]["name"]
    waiting: dict[str, Any] = (container.get("state") or {}).get("waiting") or {}
    message = " ".join(str(waiting.get("message", "")).split())
    if reason in _FAILED_PULLS:
        hint = (
            "check --image and --control-image, that the nodes reach the registry, and "
            "--image-pull-secret where it wants a login"
        )
        return Progress(reason, f"{reason}: image {image}: {message}", hint)
    if reason in _FAILED_STARTS:
        return Progress(
            reason, f"{reason}: {message}", f"kubectl -n {namespace} describe pod {name}"
        )
    crashes = int(container.get("restartCount", 0))
    if reason == "CrashLoopBackOff" and crashes >= _CRASHES:
        said = f"it ended {crashes} times, last with {_end(container)}"
        hint = f"kubectl -n {namespace} logs {name} --previous"
        return Progress(reason, said, _NOT_OURS if _NO_FILE in said else hint)
    return Progress(reason)


def _end(container: Json) -> str:
    """Return the exit code and what the container said of it last."""
    ended = (container.get("lastState") or {}).get("terminated") or {}
    lines = [line for line in str(ended.get("message") or "").splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "")
    return f"exit code {ended.get('exitCode')}" + (f": {said[:_LONGEST]}" if said else "")


def _condition(item: Json, kind: str) -> Json:
    conditions = (item.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each.get("type") == kind), {})
