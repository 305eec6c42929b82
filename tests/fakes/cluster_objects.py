"""Objects of a cluster, as its API server would show them."""

from copy import deepcopy
from typing import Any

from pai.ir.agent import Agent, AgentKey
from pai.reconcile.kubernetes import Json, Observed, ref_of
from pai.reconcile.kubernetes.pods import POD_INDEX
from pai.render.labels import DIGEST

UID = "5a0b7c7e-0000-4000-8000-000000000001"
STARTED = "2026-03-01T12:00:00Z"


def plain_agent(**more: Any) -> Agent:
    values = {
        "key": AgentKey("team", "writer"),
        "uid": UID,
        "host_id": "a1b2c3",
        "generation": 3,
        "image": "localhost/agent:1",
        **more,
    }
    return Agent(**values)


def owned(kind: str, name: str, *, uid: str = UID, digest: str = "d1", **body: Any) -> Json:
    """An object as it is rendered."""
    versions = {
        "Deployment": "apps/v1",
        "StatefulSet": "apps/v1",
        "NetworkPolicy": "networking.k8s.io/v1",
    }
    return {
        "apiVersion": versions.get(kind, "v1"),
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "team",
            "labels": {"pai.io/agent": "writer"},
            "annotations": {DIGEST: digest},
            "ownerReferences": [
                {
                    "apiVersion": "pai.io/v1",
                    "kind": "AgentWorkload",
                    "name": "writer",
                    "uid": uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        **body,
    }


def stored(document: Json, uid: str = "u1") -> Json:
    """What the API server makes of it: defaults and fields of its own."""
    found = deepcopy(document)
    found["metadata"] |= {"uid": uid, "resourceVersion": "7", "creationTimestamp": STARTED}
    found["metadata"]["annotations"]["theirs.example/mark"] = "kept"
    found["status"] = {"observedGeneration": 1}
    if "spec" in found:
        found["spec"]["revisionHistoryLimit"] = found["spec"].get("revisionHistoryLimit", 10)
    return found


def observed(*documents: Json, **more: Any) -> Observed:
    return Observed(objects={ref_of(item): item for item in documents}, **more)


def pod(
    name: str,
    *,
    ready: bool = True,
    index: int | None = None,
    agent: Json | None = None,
    sidecar: Json | None = None,
    prepare: Json | None = None,
    **status: Any,
) -> Json:
    """A pod with its three containers; states as the kubelet writes them."""
    running = {"running": {"startedAt": STARTED}}
    labels = {"pai.io/agent": "writer"} | ({POD_INDEX: str(index)} if index is not None else {})
    return {
        "metadata": {
            "name": name,
            "namespace": "team",
            "uid": f"uid-{name}",
            "labels": labels,
            "creationTimestamp": STARTED,
        },
        "status": {
            "phase": "Running",
            "podIP": "10.1.2.3",
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": str(ready)},
            ],
            "initContainerStatuses": [
                prepare or container("prepare", {"terminated": {"exitCode": 0}}, started=False),
                sidecar or container("sidecar", running),
            ],
            "containerStatuses": [agent or container("agent", running)],
            **status,
        },
    }


def container(
    name: str, state: Json, *, started: bool = True, restarts: int = 0, last: Json | None = None
) -> Json:
    return {
        "name": name,
        "image": f"localhost/{name}:1",
        "state": state,
        "started": started,
        "restartCount": restarts,
        "lastState": {"terminated": last} if last else {},
    }
