"""Do the writes of a commit, one call of the API server each."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from pai.errors import NotFoundError, TransientError
from pai.kube import Json, Kube, KubeRefusedError, Mirror
from pai.kube.kinds import AGENT_WORKLOADS, CLAIMS, Kind
from pai.kube.mirror_state import uid_of
from pai.render.labels import AGENT
from pai.store.kubernetes.errors import as_ours
from pai.store.kubernetes.objects import (
    DELETE_VOLUMES_ANNOTATION,
    KINDS,
    MANAGER,
    record_of,
    trimmed,
)
from pai.store.kubernetes.wishes import (
    check_expected,
    check_label,
    new_object,
    patch_for,
    same_wish,
)
from pai.store.record import Delete, Put, Record, ResourceKey, Write, Written
from pai.store.resources import timestamp

_TRIES = 6
_NOT_FOUND, _CONFLICT, _INVALID = 404, 409, 422
STATUS_MANAGER = "pai-control"


class Writer:
    """Writes resources; what the API server answers is in the mirrors when a call returns.

    mirrors: by kind.
    """

    def __init__(self, kube: Kube, mirrors: Mapping[str, Mirror]) -> None:
        self._kube = kube
        self._mirrors = mirrors

    def stored(self, key: ResourceKey) -> Json | None:
        """Return an object as it is known."""
        return self._mirrors[key.kind].objects.get((key.namespace, key.name))

    async def do(
        self, write: Write, now: datetime, *, dry_run: bool = False, number: int = 1
    ) -> Written:
        """Do one write. number: of the document, from 1.

        Raises ConflictError, NotFoundError, SpecError, TransientError.
        """
        try:
            if isinstance(write, Put):
                return await self._put(write, timestamp(now), dry_run=dry_run)
            return await self._delete(write, timestamp(now), dry_run=dry_run)
        except KubeRefusedError as error:
            raise as_ours(error, write.key, number) from error

    async def look(self, key: ResourceKey) -> Json | None:
        """Return an object as it is now, and have the mirror know it. Raises SpecError."""
        kind, mirror = KINDS[key.kind], self._mirrors[key.kind]
        found = await self._kube.get(kind, key.name, key.namespace)
        known = self.stored(key)
        if found is None:
            if known is not None:
                mirror.removed((key.namespace, key.name), uid_of(known))
            return None
        check_label(key, found)
        mirror.written(found)
        return self.stored(key)

    async def _put(self, put: Put, at: str, *, dry_run: bool) -> Written:
        for _ in range(_TRIES):
            stored = await self._believed(put)
            check_expected(put, stored)
            try:
                if stored is None:
                    return await self._create(put, at, dry_run=dry_run)
                return await self._change(put, stored, at, dry_run=dry_run)
            except KubeRefusedError as error:
                lost = error.status == _CONFLICT or (stored and error.status == _NOT_FOUND)
                if not lost:
                    raise
                await self.look(put.key)
        raise TransientError(f"{put.key}: is being changed by someone else all the time")

    async def _believed(self, put: Put) -> Json | None:
        """Return what is stored; asked anew where the author knows of another version."""
        stored = self.stored(put.key)
        version = record_of(stored).resource_version if stored else 0
        if put.expected not in (None, 0, version):
            return await self.look(put.key)
        return stored

    async def _create(self, put: Put, at: str, *, dry_run: bool) -> Written:
        made = await self._kube.create(new_object(put, at), manager=MANAGER, dry_run=dry_run)
        return Written(self._taken(made, dry_run=dry_run), "created")

    async def _change(self, put: Put, stored: Json, at: str, *, dry_run: bool) -> Written:
        patch = patch_for(put, stored, at)
        if patch is None:
            return Written(record_of(stored), "unchanged")
        key = put.key
        made = await self._kube.patch(
            KINDS[key.kind], key.name, key.namespace, patch, manager=MANAGER, dry_run=dry_run
        )
        # Fields that the wish lacks and the API server fills in again are no change.
        same = same_wish(stored, made)
        record = self._taken(made, dry_run=dry_run)
        return Written(record, "unchanged" if same else "configured")

    def _taken(self, made: Json, *, dry_run: bool) -> Record:
        if dry_run:
            return record_of(trimmed(made))
        self._mirrors[str(made["kind"])].written(made)
        return record_of(made)

    async def _delete(self, wish: Delete, at: str, *, dry_run: bool) -> Written:
        key, kind = wish.key, KINDS[wish.key.kind]
        stored = self.stored(key) or await self.look(key)
        if stored is None or (wish.uid is not None and uid_of(stored) != wish.uid):
            if stored is None and wish.finalized and wish.uid and kind == AGENT_WORKLOADS:
                # The end of a deletion that the cluster's garbage collector has finished already.
                return Written(_gone(key, wish.uid, at), "deleted")
            raise NotFoundError(f"{key}: not found")
        before = record_of(stored)
        if not wish.finalized:
            return await self._mark(wish, before, at, dry_run=dry_run)
        await self._remove(kind, before, "Background", dry_run=dry_run)
        return Written(before, "deleted")

    async def _mark(self, wish: Delete, before: Record, at: str, *, dry_run: bool) -> Written:
        """Begin a deletion; the cluster removes what the object owns, and then the object."""
        key, kind = before.key, KINDS[before.key.kind]
        volumes = wish.delete_volumes and not before.delete_volumes
        if before.deleted_at is not None and not volumes:
            return Written(before, "unchanged")
        if volumes:
            marks = {"annotations": {DELETE_VOLUMES_ANNOTATION: "true"}}
            patch = {"metadata": {"uid": before.uid, **marks}}
            made = await self._kube.patch(
                kind, key.name, key.namespace, patch, manager=MANAGER, dry_run=dry_run
            )
            self._taken(made, dry_run=dry_run)
            await self._bequeath(before, dry_run=dry_run)
        if before.deleted_at is None:
            await self._remove(kind, before, "Foreground", dry_run=dry_run)
        stored = None if dry_run else self.stored(key)
        if stored is not None and uid_of(stored) == before.uid:
            return Written(record_of(stored), "configured")
        after = msgspec.structs.replace(
            before,
            deleted_at=before.deleted_at or at,
            delete_volumes=before.delete_volumes or wish.delete_volumes,
        )
        return Written(after, "configured")

    async def _bequeath(self, agent: Record, *, dry_run: bool) -> None:
        """Make an agent the owner of its claims: they go with it, whatever becomes of control."""
        key = agent.key
        owner = {
            "apiVersion": AGENT_WORKLOADS.api_version,
            "kind": AGENT_WORKLOADS.kind,
            "name": key.name,
            "uid": agent.uid,
        }
        claims, _ = await self._kube.list(CLAIMS, key.namespace, labels=f"{AGENT}={key.name}")
        for claim in claims:
            patch = {"metadata": {"ownerReferences": [owner]}}
            name = claim["metadata"]["name"]
            await self._kube.patch(
                CLAIMS, name, key.namespace, patch, manager=MANAGER, dry_run=dry_run
            )

    async def _remove(self, kind: Kind, before: Record, propagation: str, *, dry_run: bool) -> None:
        key = before.key
        try:
            await self._kube.delete(
                kind,
                key.name,
                key.namespace,
                propagation=propagation,
                uid=before.uid,
                dry_run=dry_run,
            )
        except KubeRefusedError as error:
            if error.status != _CONFLICT:
                raise
            await self.look(key)
            raise NotFoundError(f"{key}: not found") from error  # another one of that name
        if not dry_run:
            await self.look(key)


def _gone(key: ResourceKey, uid: str, at: str) -> Record:
    return Record(
        key=key, uid=uid, generation=0, resource_version=0, created_at="", spec={}, deleted_at=at
    )
