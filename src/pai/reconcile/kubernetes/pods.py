"""What an agent's pods tell of its replicas: one state each, the reason in people's words.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from pai.reconcile.kubernetes.observed import Json, leaving

POD_INDEX = "apps.kubernetes.io/pod-index"
SETTLE_SECONDS = 10.0
_KILLED = 137
_LINE_LENGTH = 300
_NO_IMAGE = frozenset(
    {
        "ErrImagePull", "ErrImageNeverPull", "ImageInspectError", "ImagePullBackOff",
        "InvalidImageName", "RegistryUnavailable", "SignatureValidationFailed",
    }
)  # fmt: skip
_NO_START = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"}
)


class PodState(msgspec.Struct, frozen=True, kw_only=True):
    """One replica. pod: name of its pod, "" while there is none. after_seconds: look again then.

    The other fields are those of `pai.reconcile.status.ReplicaState`.
    """

    number: int
    pod: str = ""
    ready: bool = False
    failing: bool = False
    reason: str = "Starting"
    waiting: str = ""
    restarts: int = 0
    started: bool = False
    address: str = ""
    after_seconds: float | None = None


def numbered(pods: Sequence[Json]) -> dict[int, Json]:
    """Return the living pods by replica: a StatefulSet's by ordinal, others by age and name."""
    living = [pod for pod in pods if not leaving(pod) and not _over(pod)]
    ordinals = [pod["metadata"].get("labels", {}).get(POD_INDEX, "") for pod in living]
    if living and all(ordinal.isdecimal() for ordinal in ordinals):
        return {
            int(ordinal): pod
            for ordinal, pod in sorted(zip(ordinals, living, strict=True), key=_by_number)
        }
    living.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))
    return dict(enumerate(living))


def pod_states(
    wanted: int, pods: Sequence[Json], refusals: Sequence[str], inbound: bool, now: datetime
) -> tuple[PodState, ...]:
    """Return the state of each replica that exists or should.

    refusals: why the cluster makes no pods. inbound: the agent has a port that must accept.
    """
    found = numbered(pods)
    missing = [number for number in range(wanted) if number not in found]
    states = [_state(number, pod, inbound, now) for number, pod in found.items()]
    lacking = missing[: max(0, wanted - len(found))]
    states += [_absent(number, refusals) for number in lacking]
    return tuple(sorted(states, key=lambda state: state.number))


def _by_number(pair: tuple[str, Json]) -> int:
    return int(pair[0])


def _over(pod: Json) -> bool:
    """Say whether a pod has ended for good and another one takes its place."""
    return pod.get("status", {}).get("phase") in ("Failed", "Succeeded")


def _absent(number: int, refusals: Sequence[str]) -> PodState:
    if refusals:
        text = f"the cluster makes no pod: {refusals[0]}"
        return PodState(number=number, failing=True, reason="StartRefused", waiting=text)
    return PodState(number=number, waiting="waits for its pod")


def _state(number: int, pod: Json, inbound: bool, now: datetime) -> PodState:
    status = pod.get("status", {})
    containers = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    state = PodState(
        number=number,
        pod=pod["metadata"]["name"],
        restarts=max((int(item.get("restartCount", 0)) for item in containers), default=0),
        started=any(item.get("started") or _ended(item) for item in containers),
        address=str(status.get("podIP", "")),
    )
    told = _trouble(containers, now) or _pending(status, containers, inbound)
    if _condition(status, "Ready") == "True" and not told.get("failing"):
        return msgspec.structs.replace(state, ready=True, reason="Serving")
    return msgspec.structs.replace(state, **told)


def _trouble(containers: Sequence[Json], now: datetime) -> dict[str, Any]:
    """Return the fault of the first container that has one, {} when all is well."""
    for item in containers:
        waiting = item.get("state", {}).get("waiting") or {}
        reason, message = waiting.get("reason", ""), _line(waiting.get("message", ""))
        if reason in _NO_IMAGE:
            text = f"image {item['image']} can't be pulled: {message or reason}"
            return {"failing": True, "reason": "ImagePullFailed", "waiting": text}
        if reason in _NO_START:
            text = f"{item['name']} can't be started: {message or reason}"
            return {"failing": True, "reason": "StartRefused", "waiting": text}
        exited = _exit(item, now)
        if exited:
            return exited
    return {}


def _exit(item: Json, now: datetime) -> dict[str, Any]:
    """Return how a container ended, if it is down for that or has only just come back."""
    state = item.get("state", {})
    ended = state.get("terminated") or item.get("lastState", {}).get("terminated")
    if not ended or (state.get("terminated") and ended.get("exitCode") == 0):
        return {}
    after = None
    running = state.get("running")
    if running:
        if item.get("name") != "agent":
            return {}
        up = (now - _moment(running["startedAt"])).total_seconds()
        if up >= SETTLE_SECONDS:
            return {}
        after = SETTLE_SECONDS - up
    reason = "OOMKilled" if ended.get("reason") == "OOMKilled" else "Exited"
    return {
        "failing": True,
        "reason": reason,
        "waiting": _describe(item["name"], ended),
        "after_seconds": after,
    }


def _describe(name: str, ended: Mapping[str, Any]) -> str:
    if ended.get("reason") == "OOMKilled":
        return f"{name} was killed: over its memory limit"
    text = f"{name} exited with code {ended.get('exitCode')}"
    if ended.get("exitCode") == _KILLED:
        text = f"{name} was killed (137), perhaps over its memory limit"
    line = _line(ended.get("message", ""))
    return f"{text}: {line}" if line else text


def _pending(status: Json, containers: Sequence[Json], inbound: bool) -> dict[str, Any]:
    """Return what a pod without a fault waits for."""
    for item in status.get("conditions") or ():
        if item["type"] == "PodScheduled" and item["status"] == "False":
            text = f"no node takes it: {_line(item.get('message', ''))}"
            return {"reason": "Unschedulable", "waiting": text}
    if not containers:
        return {"waiting": "waits for its node to start it"}
    for item in containers:
        state = item.get("state", {})
        if state.get("waiting") or not state:
            return {"waiting": f"starts {item['name']}"}
        if state.get("running") and not item.get("started"):
            return {"waiting": f"waits for {item['name']}"}
    if inbound:
        text = "waits for the agent to accept connections"
        return {"reason": "PortClosed", "waiting": text}
    return {"reason": "SidecarNotReady", "waiting": "waits for the sidecar to be ready"}


def _ended(item: Json) -> bool:
    return bool(item.get("state", {}).get("terminated") or item.get("lastState"))


def _condition(status: Json, kind: str) -> str:
    found = [item["status"] for item in status.get("conditions") or () if item["type"] == kind]
    return str(found[0]) if found else ""


def _line(text: str) -> str:
    """Return the last line that says something, fit for a status."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    plain = "".join(char if char.isprintable() else " " for char in (lines or [""])[-1])
    return plain[:_LINE_LENGTH]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
