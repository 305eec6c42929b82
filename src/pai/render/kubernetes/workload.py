"""What makes the pods: a Deployment, or a StatefulSet where replicas have volumes of their own."""

from pai.ir.agent import Agent
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import (
    DEPLOYMENT,
    STATEFUL_SET,
    Manifest,
    labels,
    manifest,
    selector,
)
from pai.render.kubernetes.names import claim_template, pods_service_name
from pai.render.kubernetes.pod import pod_template
from pai.render.kubernetes.quantity import size
from pai.render.labels import VOLUME
from pai.render.places import Place, places

IMPLICIT_BYTES = 1 << 30
_HISTORY = 2
_PROGRESS_SECONDS = 600


def scaled_elsewhere(agent: Agent) -> bool:
    """Say whether the autoscaler owns the number of replicas, and no rendered object names it."""
    return agent.autoscaling is not None and not agent.paused


def most_replicas(agent: Agent) -> int:
    """Return how many replicas there may be, whoever decides."""
    if agent.autoscaling is not None and not agent.paused:
        return agent.autoscaling.max_replicas
    return agent.desired_replicas


def workload(agent: Agent, facts: Facts) -> Manifest:
    """Return the workload; both kinds bear the agent's name."""
    spec: Manifest = {
        "selector": {"matchLabels": selector(agent)},
        "revisionHistoryLimit": _HISTORY,
        "template": pod_template(agent, facts),
    }
    if not scaled_elsewhere(agent):
        spec["replicas"] = agent.desired_replicas
    kind, own = (STATEFUL_SET, _stateful(agent, facts)) if places(agent) else (DEPLOYMENT, _plain())
    return manifest(kind, agent.key.name, agent, facts, {"spec": {**spec, **own}})


def _plain() -> Manifest:
    """Never have less than the wanted number of pods."""
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    return {
        "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
        "progressDeadlineSeconds": _PROGRESS_SECONDS,
    }


def _stateful(agent: Agent, facts: Facts) -> Manifest:
    """Keep every replica's volumes, also while it is scaled away or its agent deleted."""
    templates = [_claim(agent, facts, place) for place in places(agent)]
    return {
        "serviceName": pods_service_name(agent.key),
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "volumeClaimTemplates": sorted(templates, key=lambda item: str(item["metadata"]["name"])),
    }


def _claim(agent: Agent, facts: Facts, place: Place) -> Manifest:
    sizes = {volume.name: volume.size_bytes for volume in agent.volumes}
    amount = IMPLICIT_BYTES if place.implicit else sizes[place.volume]
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size(amount)}},
    }
    if agent.pod.storage_class_name is not None:
        spec["storageClassName"] = agent.pod.storage_class_name
    marks = {**labels(agent, facts), VOLUME: place.volume}
    return {"metadata": {"name": claim_template(place.volume), "labels": marks}, "spec": spec}
