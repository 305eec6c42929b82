"""Pieces that all objects of an agent share: labels, owner, digest."""

from typing import Any

from pai.api.metadata import API_VERSION
from pai.ir.agent import Agent
from pai.render.digest import digest
from pai.render.kubernetes.facts import Facts
from pai.render.labels import AGENT, DIGEST, INSTANCE, MANAGED_BY, UID

Manifest = dict[str, Any]

NETWORK_POLICY = ("networking.k8s.io/v1", "NetworkPolicy")
CONFIG_MAP = ("v1", "ConfigMap")
SECRET = ("v1", "Secret")
SERVICE = ("v1", "Service")
DISRUPTION_BUDGET = ("policy/v1", "PodDisruptionBudget")
DEPLOYMENT = ("apps/v1", "Deployment")
STATEFUL_SET = ("apps/v1", "StatefulSet")

OWNED_KINDS = (
    NETWORK_POLICY,
    CONFIG_MAP,
    SECRET,
    SERVICE,
    DISRUPTION_BUDGET,
    DEPLOYMENT,
    STATEFUL_SET,
)


def manifest(
    kind: tuple[str, str],
    name: str,
    agent: Agent,
    facts: Facts,
    body: Manifest,
    annotations: dict[str, str] | None = None,
) -> Manifest:
    """Return an object that belongs to the agent and goes when the agent goes."""
    metadata: Manifest = {
        "name": name,
        "namespace": agent.key.namespace,
        "labels": labels(agent, facts),
        "annotations": dict(annotations or {}),
        "ownerReferences": [_owner(agent)],
    }
    made: Manifest = {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, **body}
    metadata["annotations"][DIGEST] = digest_of(made)
    return made


def digest_of(document: Manifest) -> str:
    """Return the digest of a rendered object, whether or not it carries its digest already."""
    metadata = dict(document["metadata"])
    marks = metadata.get("annotations") or {}
    metadata["annotations"] = {name: marks[name] for name in marks if name != DIGEST}
    return digest({**document, "metadata": metadata})


def labels(agent: Agent, facts: Facts) -> dict[str, str]:
    """Return the labels of every object, also of claims, which outlive the agent."""
    return {AGENT: agent.key.name, INSTANCE: facts.instance, MANAGED_BY: "pai"}


def pod_labels(agent: Agent, facts: Facts) -> dict[str, str]:
    """Return the labels of pods."""
    return {**labels(agent, facts), UID: agent.uid}


def selector(agent: Agent) -> dict[str, str]:
    """Return what selects the agent's pods; never changes, as workloads forbid it."""
    return {AGENT: agent.key.name}


def _owner(agent: Agent) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": "AgentWorkload",
        "name": agent.key.name,
        "uid": agent.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
