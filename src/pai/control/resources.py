"""Change resources: everything that a person may write passes here, one writer at a time."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from pai.api.fault import DocumentErrors
from pai.api.kinds import Resource
from pai.api.metadata import PERSONAL_ENV_ANNOTATION, RESTARTED_AT_ANNOTATION
from pai.api.secret import Secret
from pai.control.catalog import Catalog
from pai.control.documents import AGENT
from pai.control.validation import check_together, key_of, parse_all, stored_spec
from pai.errors import NotFoundError
from pai.ir.settings import Settings
from pai.store.protocol import Store
from pai.store.record import Delete, Put, Record, ResourceKey, Written
from pai.translate import local_warnings

_OWN_PREFIX = "pai.io/"


class Applied(msgspec.Struct, frozen=True):
    """What applying one document did."""

    written: Written
    warnings: tuple[str, ...]


class Resources:
    """Writes resources, validated; all of one call or none.

    engine_warnings: what of a resource has no effect on this engine.
    """

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        settings: Settings,
        now: Callable[[], datetime],
        engine_warnings: Callable[[Resource], Sequence[str]] = local_warnings,
    ) -> None:
        self._engine_warnings = engine_warnings
        self._store = store
        self._catalog = catalog
        self._settings = settings
        self._now = now
        self._lock = asyncio.Lock()  # validation looks at what is stored; nothing may slip between

    async def apply(
        self,
        documents: Sequence[Any],
        namespace: str,
        *,
        personal_env: Mapping[str, str] | None = None,
        create: bool = False,
        dry_run: bool = False,
    ) -> list[Applied]:
        """Create or update documents. Raises DocumentErrors with every fault, ConflictError."""
        resources = parse_all(documents, namespace)
        async with self._lock:
            stored = self._catalog.records
            resources = [_as_kept(item, stored, personal_env) for item in resources]
            known = self._catalog.references(namespace)
            faults, warnings = check_together(
                resources, stored, known, self._settings, self._engine_warnings
            )
            if faults:
                raise DocumentErrors(faults)
            puts = [_put(item, create=create) for item in resources]
            written = await self._store.commit(puts, self._now(), dry_run=dry_run)
        return [Applied(*pair) for pair in zip(written, warnings, strict=True)]

    async def delete(self, key: ResourceKey, *, volumes: bool = False) -> Record:
        """Delete a resource; an agent stays Terminating until nothing of it is left."""
        async with self._lock:
            wish = Delete(key=key, finalized=key.kind != AGENT, delete_volumes=volumes)
            [written] = await self._store.commit([wish], self._now())
        return written.record

    async def pause(self, key: ResourceKey, *, paused: bool) -> Record:
        """Set whether an agent is paused."""
        return await self._edit(key, lambda record: {"spec": {**record.spec, "paused": paused}})

    async def restart(self, key: ResourceKey) -> Record:
        """Ask for the agent's containers to be made anew."""
        mark = {RESTARTED_AT_ANNOTATION: self._now().isoformat(timespec="milliseconds")}
        return await self._edit(key, lambda r: {"annotations": {**r.annotations, **mark}})

    async def _edit(
        self, key: ResourceKey, changes: Callable[[Record], Mapping[str, Any]]
    ) -> Record:
        async with self._lock:
            record = await self._store.get(key)
            if record is None:
                raise NotFoundError(f"{key}: not found")
            put = Put(
                key=key, spec=record.spec, labels=record.labels, annotations=record.annotations
            )
            put = msgspec.structs.replace(put, **changes(record))
            [written] = await self._store.commit([put], self._now())
        return written.record


def _as_kept(
    resource: Resource,
    stored: Mapping[ResourceKey, Record],
    personal_env: Mapping[str, str] | None,
) -> Resource:
    annotations = _annotations(resource, stored.get(key_of(resource)), personal_env)
    return resource.replaced(metadata=resource.metadata.replaced(annotations=annotations))


def _put(resource: Resource, *, create: bool) -> Put:
    version = resource.metadata.resource_version
    return Put(
        key=key_of(resource),
        spec=stored_spec(resource),
        labels=dict(resource.metadata.labels),
        annotations=dict(resource.metadata.annotations),
        values=dict(resource.string_data) if isinstance(resource, Secret) else None,
        expected=0 if create else int(version) if version else None,
    )


def _annotations(
    resource: Resource, before: Record | None, personal_env: Mapping[str, str] | None
) -> dict[str, str]:
    """Return the author's own, and ours as they were: a document never sets `pai.io/` ones."""
    theirs = {
        name: value
        for name, value in resource.metadata.annotations.items()
        if not name.startswith(_OWN_PREFIX)
    }
    stored = before.annotations if before else {}
    ours = {name: value for name, value in stored.items() if name.startswith(_OWN_PREFIX)}
    if resource.kind == AGENT and personal_env is not None:
        ours.pop(PERSONAL_ENV_ANNOTATION, None)
        if personal_env:
            ours[PERSONAL_ENV_ANNOTATION] = json.dumps(dict(personal_env), sort_keys=True)
    return {**theirs, **ours}
