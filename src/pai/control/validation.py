"""What is checked before anything is stored: each document alone, then against what is stored."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pai.api.agentworkload import AgentWorkload
from pai.api.fault import DocumentErrors, Fault
from pai.api.kinds import Resource
from pai.api.quantity import size_bytes
from pai.api.secret import Secret
from pai.api.validation import validate_all
from pai.store.record import Record, ResourceKey

_HASH_PREFIX = "sha256:"


def parse_all(documents: Sequence[Any], namespace: str) -> list[Resource]:
    """Return validated resources of that namespace. Raises DocumentErrors with all faults."""
    resources = [resource.in_namespace(namespace) for resource in validate_all(documents)]
    faults = [
        Fault(
            message=f"the document belongs to {resource.namespace!r}, the request to {namespace!r}",
            path="metadata.namespace",
            hint=f"leave it out, or repeat with -n {resource.namespace}",
            document=number,
        )
        for number, resource in enumerate(resources, start=1)
        if resource.namespace != namespace
    ]
    faults += _version_faults(resources)
    if faults:
        raise DocumentErrors(faults)
    return resources


def check_shrinking(
    resources: Sequence[Resource], stored: Mapping[ResourceKey, Record]
) -> list[Fault]:
    """Return a fault for each volume that would become smaller than it is."""
    faults = []
    for number, resource in enumerate(resources, start=1):
        if not isinstance(resource, AgentWorkload):
            continue
        before = stored.get(key_of(resource))
        sizes = dict(_sizes(before.spec)) if before else {}
        for index, volume in enumerate(resource.spec.volumes):
            was = sizes.get(volume.name, "0")
            if size_bytes(volume.size) < size_bytes(was):
                path = f"spec.volumes[{index}].size"
                message = f"{volume.size} is smaller than the {was} that the volume has"
                hint = "volumes only grow; use a new name for a smaller one"
                faults.append(Fault(message=message, path=path, hint=hint, document=number))
    return faults


def stored_spec(resource: Resource) -> dict[str, Any]:
    """Return the spec as it is kept: as written, a Secret's empty, a relay token as its hash."""
    if isinstance(resource, Secret):
        return {}
    spec = resource.spec.to_wire()
    relay = spec.get("cdpRelay")
    if relay and not relay["token"].startswith(_HASH_PREFIX):
        digest = hashlib.sha256(relay["token"].encode()).hexdigest()
        spec["cdpRelay"] = {**relay, "token": _HASH_PREFIX + digest}
    return spec


def key_of(resource: Resource) -> ResourceKey:
    """Return the identity of a resource whose namespace is known."""
    return ResourceKey(resource.kind, resource.namespace, resource.name)


def _version_faults(resources: Sequence[Resource]) -> list[Fault]:
    return [
        Fault(
            message="must be a version as the server gave it, or left out",
            path="metadata.resourceVersion",
            document=number,
        )
        for number, resource in enumerate(resources, start=1)
        if not (resource.metadata.resource_version or "0").isdecimal()
    ]


def _sizes(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for volume in spec.get("volumes", ()):
        yield volume["name"], volume["size"]
