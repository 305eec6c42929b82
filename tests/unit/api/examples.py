"""The smallest valid document of each kind, and a way to change one place of it."""

import copy
from typing import Any

DELETE = object()

MINIMAL: dict[str, dict[str, Any]] = {
    "AgentWorkload": {
        "apiVersion": "pai.io/v1",
        "kind": "AgentWorkload",
        "metadata": {"name": "my-agent"},
        "spec": {"image": "ghcr.io/acme/agent:latest"},
    },
    "ModelBinding": {
        "apiVersion": "pai.io/v1",
        "kind": "ModelBinding",
        "metadata": {"name": "gpt"},
        "spec": {"provider": "openai", "model": "gpt-5"},
    },
    "Provider": {
        "apiVersion": "pai.io/v1",
        "kind": "Provider",
        "metadata": {"name": "crm"},
        "spec": {"type": "http-token", "host": "crm.example.com", "auth": {"secretRef": "crm"}},
    },
    "Secret": {
        "apiVersion": "pai.io/v1",
        "kind": "Secret",
        "metadata": {"name": "crm"},
        "stringData": {"token": "s3cr3t"},
    },
}


def document(kind: str, place: str = "", value: object = None) -> dict[str, Any]:
    """Return the minimal document of a kind with one dotted place set, or taken out by DELETE."""
    data = copy.deepcopy(MINIMAL[kind])
    if not place:
        return data
    *parents, last = place.split(".")
    target: Any = data
    for name in parents:
        target = target.setdefault(name, {})
    if value is DELETE:
        del target[last]
    else:
        target[last] = value
    return data
