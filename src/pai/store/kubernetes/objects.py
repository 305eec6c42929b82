"""Between API objects and the records of a store. Pure.

Who owns a field is read from the object's managed fields, before they are dropped: the labels and
annotations that we set ourselves may be removed by us, all others are someone else's.
"""

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import Any, Final

from pai.kube import Json, Kind
from pai.kube.kinds import AGENT_WORKLOADS, MODEL_BINDINGS, PROVIDERS, SECRETS
from pai.kube.mirror import without_managed_fields
from pai.store.record import Record, ResourceKey, SecretEntry

KINDS: Final[dict[str, Kind]] = {
    kind.kind: kind for kind in (AGENT_WORKLOADS, MODEL_BINDINGS, PROVIDERS, SECRETS)
}
MANAGER: Final = "pai"
SECRET_LABEL: Final = "pai.io/secret"
UPDATED_ANNOTATION: Final = "pai.io/updated"
DELETE_VOLUMES_ANNOTATION: Final = "pai.io/delete-volumes"
# Our own marks: not the author's, so no record shows them.
_HIDDEN_ANNOTATIONS: Final = frozenset({UPDATED_ANNOTATION, DELETE_VOLUMES_ANNOTATION})
_HIDDEN_LABELS: Final = frozenset({SECRET_LABEL})
_OWNED = "pai-owned"


def trimmed(found: Json) -> Json:
    """Return an object without its managed fields; what we need of them is noted beside it."""
    managed = found["metadata"].get("managedFields") or ()
    owned: Json = {"labels": [], "annotations": [], "entries": {}}
    for entry in managed:
        fields = entry.get("fieldsV1") or {}
        if entry.get("manager") == MANAGER and not entry.get("subresource"):
            metadata = fields.get("f:metadata") or {}
            owned["labels"] += _names(metadata.get("f:labels"))
            owned["annotations"] += _names(metadata.get("f:annotations"))
        elif found.get("kind") == SECRETS.kind:
            _note_entries(owned["entries"], fields, str(entry.get("time") or ""))
    found = without_managed_fields(found)
    found[_OWNED] = owned
    return found


def resource_key(found: Json) -> ResourceKey:
    """Return the key of a resource."""
    metadata = found["metadata"]
    return ResourceKey(str(found["kind"]), str(metadata["namespace"]), str(metadata["name"]))


def record_of(found: Json) -> Record:
    """Return a trimmed object as a record; of a Secret the names of its entries."""
    metadata = found["metadata"]
    secret = found["kind"] == SECRETS.kind
    annotations = metadata.get("annotations") or {}
    version = str(metadata.get("resourceVersion") or "0")
    return Record(
        key=resource_key(found),
        uid=str(metadata.get("uid") or ""),
        generation=int(metadata.get("generation") or 1),
        resource_version=int(version) if version.isdecimal() else 0,
        created_at=str(metadata.get("creationTimestamp") or ""),
        spec={} if secret else found.get("spec") or {},
        status={} if secret else found.get("status") or {},
        labels=_without(metadata.get("labels") or {}, _HIDDEN_LABELS),
        annotations=_without(annotations, _HIDDEN_ANNOTATIONS),
        deleted_at=metadata.get("deletionTimestamp"),
        delete_volumes=annotations.get(DELETE_VOLUMES_ANNOTATION) == "true",
        entries=_entries(found) if secret else (),
    )


def owned_labels(found: Json) -> set[str]:
    """Return the labels that we set and nobody else changed since."""
    return set(found.get(_OWNED, {}).get("labels", ())) - _HIDDEN_LABELS


def owned_annotations(found: Json) -> set[str]:
    """Return the annotations that we set and nobody else changed since."""
    return set(found.get(_OWNED, {}).get("annotations", ())) - _HIDDEN_ANNOTATIONS


def updated_times(found: Json) -> dict[str, str]:
    """Return when each entry of a Secret was last changed: by us, else by whoever did."""
    noted = _noted(found)
    others: dict[str, str] = found.get(_OWNED, {}).get("entries", {})
    created = str(found["metadata"].get("creationTimestamp") or "")
    return {
        name: others.get(name) or noted.get(name) or created
        for name in sorted(found.get("data") or {})
    }


def values_of(found: Json) -> tuple[dict[str, str], list[str]]:
    """Return the entries of a Secret that are text, and the names of those that are not."""
    values: dict[str, str] = {}
    unreadable: list[str] = []
    for name, encoded in sorted((found.get("data") or {}).items()):
        try:
            values[name] = b64decode(encoded or "", validate=True).decode()
        except (Base64Error, UnicodeDecodeError):
            unreadable.append(name)
    return values, unreadable


def _entries(found: Json) -> tuple[SecretEntry, ...]:
    return tuple(SecretEntry(name, at) for name, at in updated_times(found).items())


def _noted(found: Json) -> dict[str, str]:
    """Return the times that we noted; an annotation that someone broke counts as none."""
    text = (found["metadata"].get("annotations") or {}).get(UPDATED_ANNOTATION)
    try:
        noted = json.loads(text) if text else {}
    except ValueError:
        return {}
    if not isinstance(noted, dict):
        return {}
    return {name: at for name, at in noted.items() if isinstance(at, str)}


def _note_entries(times: dict[str, str], fields: Json, at: str) -> None:
    for part in ("f:data", "f:stringData"):
        for name in _names(fields.get(part)):
            times[name] = max(times.get(name, ""), at)


def _names(fields: Any) -> Iterator[str]:
    return (name[2:] for name in (fields or {}) if name.startswith("f:"))


def _without(marks: dict[str, str], hidden: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in marks.items() if name not in hidden}
