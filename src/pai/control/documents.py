"""Between stored records and documents as people see them."""

from typing import Any

from pai.api.metadata import API_VERSION
from pai.errors import NotFoundError
from pai.store.record import Record

AGENT, MODEL, PROVIDER, SECRET = "AgentWorkload", "ModelBinding", "Provider", "Secret"
PLURALS = {
    "agentworkloads": AGENT,
    "modelbindings": MODEL,
    "providers": PROVIDER,
    "secrets": SECRET,
}


def kind_of(plural: str) -> str:
    """Return the kind of a plural as in a URL. Raises NotFoundError."""
    kind = PLURALS.get(plural)
    if kind is None:
        raise NotFoundError(f"no such kind of resource; there are {', '.join(sorted(PLURALS))}")
    return kind


def document_of(record: Record) -> dict[str, Any]:
    """Return a resource as the API shows it; a Secret shows the names of its entries only."""
    metadata: dict[str, Any] = {
        "name": record.key.name,
        "namespace": record.key.namespace,
        "uid": record.uid,
        "generation": record.generation,
        "resourceVersion": str(record.resource_version),
        "creationTimestamp": record.created_at,
        "labels": record.labels,
        "annotations": record.annotations,
    }
    if record.deleted_at is not None:
        metadata["deletionTimestamp"] = record.deleted_at
    document = {"apiVersion": API_VERSION, "kind": record.key.kind, "metadata": metadata}
    if record.key.kind == SECRET:
        keys = [{"name": entry.name, "updatedAt": entry.updated_at} for entry in record.entries]
        return {**document, "keys": keys}
    return {**document, "spec": record.spec, "status": record.status}


def as_written(record: Record) -> dict[str, object]:
    """Return a stored record as its author's document, with the server's own fields."""
    key = record.key
    metadata = {
        "name": key.name,
        "namespace": key.namespace,
        "uid": record.uid,
        "generation": record.generation,
        "labels": record.labels,
        "annotations": record.annotations,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": key.kind,
        "metadata": metadata,
        "spec": record.spec,
    }
