"""The Kubernetes objects of one agent, in its own namespace, as plain JSON. Pure."""

from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import OWNED_KINDS, Manifest, digest_of
from pai.render.kubernetes.names import (
    claim_name,
    claim_template,
    object_name,
    pods_service_name,
    sidecar_secret_name,
)
from pai.render.kubernetes.objects import render
from pai.render.kubernetes.secret import BOOTSTRAP_FILE, BOOTSTRAP_SOURCE, SOURCE, VERSION
from pai.render.kubernetes.steps import (
    AGENT_CONTAINER,
    PREPARE_CONTAINER,
    SEED_CONTAINER,
    SIDECAR_CONTAINER,
)
from pai.render.kubernetes.workload import scaled_elsewhere

__all__ = [
    "AGENT_CONTAINER",
    "BOOTSTRAP_FILE",
    "BOOTSTRAP_SOURCE",
    "OWNED_KINDS",
    "PREPARE_CONTAINER",
    "SEED_CONTAINER",
    "SIDECAR_CONTAINER",
    "SOURCE",
    "VERSION",
    "Facts",
    "Manifest",
    "claim_name",
    "claim_template",
    "digest_of",
    "object_name",
    "pods_service_name",
    "render",
    "scaled_elsewhere",
    "sidecar_secret_name",
]
