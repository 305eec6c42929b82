"""What is checked before anything is stored: each document alone, then against what is stored."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError

from pai.api.agentworkload import AgentWorkload, relay_hash
from pai.api.fault import DocumentErrors, Fault
from pai.api.kinds import Resource
from pai.api.modelbinding import ModelBinding
from pai.api.provider import Provider
from pai.api.scalars import namespace_name
from pai.api.secret import Secret
from pai.api.validation import examine, validate_all
from pai.control.documents import as_written
from pai.errors import SpecError
from pai.ir.settings import Settings
from pai.store.record import Record, ResourceKey
from pai.translate import (
    References,
    apply_warnings,
    local_warnings,
    shrunk_volumes,
    translate,
)


def parse_all(documents: Sequence[Any], namespace: str) -> list[Resource]:
    """Return validated resources of that namespace. Raises DocumentErrors with all faults."""
    _check_namespace(namespace)
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


class Findings(NamedTuple):
    """What was found in several documents. warnings: one tuple a document, in their order."""

    faults: list[Fault]
    warnings: list[tuple[str, ...]]


def check_together(
    resources: Sequence[Resource],
    stored: Mapping[ResourceKey, Record],
    known: References,
    settings: Settings,
    engine_warnings: Callable[[Resource], Sequence[str]] = local_warnings,
) -> Findings:
    """Judge documents together with what is stored. known: references of the namespace.

    resources: with the annotations they will be stored with. A missing reference is a warning:
    the agent waits for it. engine_warnings: of the engine that runs agents, unless it is told
    another one's: of a machine's container engine.
    """
    faults: list[Fault] = []
    warnings: list[tuple[str, ...]] = []
    references = _overlaid(resources, known)
    for number, resource in enumerate(resources, start=1):
        told = [*apply_warnings(resource), *engine_warnings(resource)]
        if isinstance(resource, AgentWorkload):
            found = translate(resource, references, settings, host_id="")
            errors = [*_shrunk(resource, stored), *found.faults]
            faults += [fault_of(error, number) for error in errors]
            told += [f"{error.message}; the agent waits for it" for error in found.missing]
            told += found.warnings
        warnings.append(tuple(told))
    return Findings(faults, warnings)


def fault_of(error: SpecError, document: int) -> Fault:
    """Return an error whose text begins with a path as the fault of a document."""
    path, colon, rest = error.message.partition(": ")
    if not colon or not path.startswith(("spec.", "metadata.")):
        path, rest = "", error.message
    return Fault(message=rest, path=path, hint=error.hint, document=document)


def _overlaid(resources: Sequence[Resource], known: References) -> References:
    """Return the references as they will be once the documents are stored."""
    bindings: dict[str, ModelBinding] = {}
    providers: dict[str, Provider] = {}
    secret_keys: dict[str, Collection[str]] = {}
    for resource in resources:
        if isinstance(resource, ModelBinding):
            bindings[resource.name] = resource
        elif isinstance(resource, Provider):
            providers[resource.name] = resource
        elif isinstance(resource, Secret):
            secret_keys[resource.name] = tuple(resource.string_data)
    return References(
        {**known.bindings, **bindings},
        {**known.providers, **providers},
        {**known.secret_keys, **secret_keys},
    )


def _shrunk(resource: AgentWorkload, stored: Mapping[ResourceKey, Record]) -> list[SpecError]:
    before = stored.get(key_of(resource))
    if before is None:
        return []
    was, _ = examine(as_written(before))
    if not isinstance(was, AgentWorkload):
        return []
    return list(shrunk_volumes(was.spec.volumes, resource.spec.volumes))


def stored_spec(resource: Resource) -> dict[str, Any]:
    """Return the spec as it is kept: as written, a Secret's empty, a relay token as its hash."""
    if isinstance(resource, Secret):
        return {}
    spec = resource.spec.to_wire()
    relay = spec.get("cdpRelay")
    if relay:
        spec["cdpRelay"] = {**relay, "token": relay_hash(relay["token"])}
    return spec


def key_of(resource: Resource) -> ResourceKey:
    """Return the identity of a resource whose namespace is known."""
    return ResourceKey(resource.kind, resource.namespace, resource.name)


def _check_namespace(namespace: str) -> None:
    try:
        namespace_name(namespace)
    except PydanticCustomError as error:
        raise SpecError(f"namespace: {error.message()}") from None


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
