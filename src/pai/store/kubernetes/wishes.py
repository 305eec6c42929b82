"""From a wish (`Put`) and what is stored to what is sent to the API server. Pure."""

import json
from base64 import b64encode

from pai.errors import ConflictError, SpecError
from pai.kube import Json
from pai.kube.kinds import SECRETS
from pai.store.kubernetes.errors import changed_meanwhile
from pai.store.kubernetes.objects import (
    KINDS,
    SECRET_LABEL,
    UPDATED_ANNOTATION,
    owned_annotations,
    owned_labels,
    record_of,
    updated_times,
)
from pai.store.kubernetes.patches import difference
from pai.store.record import Put, ResourceKey


def check_expected(put: Put, stored: Json | None) -> None:
    """Compare what is stored with what the author believes. Raises ConflictError."""
    if stored is None:
        if put.expected:
            raise ConflictError(f"{put.key}: was deleted since it was read", hint="read it again")
        return
    before = record_of(stored)
    if put.expected == 0:
        raise ConflictError(f"{put.key}: exists already", hint="use `apply` to change it")
    if before.deleted_at is not None:
        raise ConflictError(f"{put.key}: is being deleted", hint="wait until it is gone")
    if put.expected is not None and put.expected != before.resource_version:
        raise changed_meanwhile(put.key)


def check_label(key: ResourceKey, found: Json) -> None:
    """Refuse a core Secret that nobody has given to Pai. Raises SpecError."""
    labels = found["metadata"].get("labels") or {}
    if key.kind == SECRETS.kind and labels.get(SECRET_LABEL) != "true":
        raise SpecError(
            f"{key}: the cluster has a Secret of that name which is not Pai's",
            hint="choose another name; if Pai may use and change it: "
            f"`kubectl label secret {key.name} -n {key.namespace} {SECRET_LABEL}=true`",
        )


def new_object(put: Put, at: str) -> Json:
    """Return the object to create. at: RFC 3339."""
    kind = KINDS[put.key.kind]
    metadata: Json = {"name": put.key.name, "namespace": put.key.namespace}
    labels, annotations = dict(put.labels), dict(put.annotations)
    found: Json = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
    if kind == SECRETS:
        values = put.values or {}
        labels[SECRET_LABEL] = "true"
        annotations[UPDATED_ANNOTATION] = _times(dict.fromkeys(values, at))
        found.update(type="Opaque", data=_encoded(values))
    else:
        found["spec"] = put.spec
    metadata.update(labels=labels, annotations=annotations)
    return found


def patch_for(put: Put, stored: Json, at: str) -> Json | None:
    """Return the patch that fulfils the wish, None when there is nothing to do.

    The object must still be as it is stored here: its version is in the patch.
    """
    before = stored["metadata"]
    annotations = _marks(
        before.get("annotations") or {}, put.annotations, owned_annotations(stored)
    )
    labels = _marks(before.get("labels") or {}, put.labels, owned_labels(stored))
    patch: Json = {}
    if put.key.kind != SECRETS.kind:
        patch["spec"] = difference(stored.get("spec") or {}, put.spec)
    elif put.values is not None:
        patch["data"] = difference(stored.get("data") or {}, _encoded(put.values))
        if patch["data"]:
            annotations[UPDATED_ANNOTATION] = _updated(stored, put.values, patch["data"], at)
    metadata = {"labels": labels, "annotations": annotations}
    patch["metadata"] = {name: marks for name, marks in metadata.items() if marks}
    patch = {name: part for name, part in patch.items() if part}
    if not patch:
        return None
    version = {"resourceVersion": before.get("resourceVersion")}
    return {**patch, "metadata": {**patch.get("metadata", {}), **version}}


def same_wish(one: Json, other: Json) -> bool:
    """Say whether two forms of an object are the same to their author."""
    parts = ("spec", "data", "type")
    marks = ("labels", "annotations")
    return all(one.get(part) == other.get(part) for part in parts) and all(
        (one["metadata"].get(mark) or {}) == (other["metadata"].get(mark) or {}) for mark in marks
    )


def _marks(before: dict[str, str], wish: dict[str, str], owned: set[str]) -> Json:
    """Set what the wish holds; remove what an earlier wish of ours held, and no one else's."""
    patch: Json = {name: value for name, value in wish.items() if before.get(name) != value}
    patch.update(dict.fromkeys((owned & before.keys()) - wish.keys()))
    return patch


def _updated(stored: Json, values: dict[str, str], changed: Json, at: str) -> str:
    times = updated_times(stored)
    return _times({name: at if name in changed else times.get(name, at) for name in values})


def _times(times: dict[str, str]) -> str:
    return json.dumps(times, sort_keys=True, separators=(",", ":"))


def _encoded(values: dict[str, str]) -> dict[str, str]:
    return {name: b64encode(value.encode()).decode() for name, value in values.items()}
