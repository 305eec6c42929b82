"""The store of a cluster, made of mirrors: reading never waits for the API server."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from pai.errors import PaiError, TransientError
from pai.ir.agent import AgentKey
from pai.ir.snapshot import AuditRecord
from pai.kube import ChangeType, Json, Kube, KubeRefusedError, Mirror
from pai.kube.kinds import AGENT_WORKLOADS, SECRETS
from pai.kube.mirror_state import uid_of
from pai.store.kubernetes.activity import Activity
from pai.store.kubernetes.agent_events import AgentEvents
from pai.store.kubernetes.change_log import ChangeLog
from pai.store.kubernetes.errors import PartlyStoredError, as_ours
from pai.store.kubernetes.objects import KINDS, SECRET_LABEL, record_of, trimmed, values_of
from pai.store.kubernetes.patches import difference, replacing
from pai.store.kubernetes.writer import STATUS_MANAGER, Writer
from pai.store.protocol import Listener
from pai.store.record import Change, Document, Event, Record, ResourceKey, Write, Written
from pai.wire import log
from pai.wire.tasks import spawn

_SYNC_SECONDS = 60.0
_FLUSH_SECONDS = 15.0
_MISSED = frozenset({404, 409, 422})


class KubernetesStore:
    """A `pai.store.protocol.Store` over an API server.

    activity: what is kept in SQL; closed with the store. namespace: None = all of the cluster.
    The change sequence starts from the clock in milliseconds. A commit of several writes is
    checked whole by a dry run before the first is done; should one fail all the same, the others
    stay and PartlyStoredError names them.
    """

    def __init__(
        self,
        kube: Kube,
        activity: Activity,
        now: Callable[[], datetime],
        *,
        namespace: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube = kube
        self._activity = activity
        self._mirrors = {kind: self._mirror(kind, namespace) for kind in KINDS}
        self._writer = Writer(kube, self._mirrors)
        self._events = AgentEvents(kube, clock)
        self._log = ChangeLog(int(now().timestamp() * 1000))
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._lock = asyncio.Lock()
        self._unreadable: set[tuple[str, str, str]] = set()

    async def open(self) -> None:
        """Begin to follow the API server; all there is is known when this returns.

        Raises TransientError when that takes too long.
        """
        self._tasks = [
            spawn(mirror.run(), f"mirror-{kind}") for kind, mirror in self._mirrors.items()
        ]
        self._tasks.append(spawn(self._flush_events(), "flush-events"))
        try:
            async with asyncio.timeout(_SYNC_SECONDS):
                for mirror in self._mirrors.values():
                    await mirror.synced()
        except TimeoutError as error:
            await self.close()
            raise TransientError(self._trouble(), hint="`pai doctor` tells more") from error

    async def close(self) -> None:
        """Stop following; counts of events that still wait are written."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        async with self._lock:  # a commit that runs is done to its end
            pass
        try:
            await self._events.flush(everything=True)
        except PaiError as error:
            log.warning("counts of events not written", error=error.message)
        await self._activity.close()

    async def get(self, key: ResourceKey) -> Record | None:
        """Return one resource, or None."""
        found = self._writer.stored(key)
        return None if found is None else record_of(found)

    async def find(self, kind: str | None, namespace: str | None) -> tuple[list[Record], int]:
        """Return resources sorted by key, and the newest of the change sequence; None = all."""
        records = [
            record_of(found)
            for name, mirror in self._mirrors.items()
            if kind in (None, name)
            for (space, _), found in mirror.objects.items()
            if namespace in (None, space)
        ]
        return sorted(records, key=lambda record: record.key), self._log.newest

    async def commit(
        self, writes: Sequence[Write], now: datetime, *, dry_run: bool = False
    ) -> list[Written]:
        """Do all writes in order, after all of them were checked; a dry run only checks.

        Raises ConflictError, NotFoundError, SpecError, TransientError, PartlyStoredError.
        """
        # On its own: a caller that is cancelled must not leave half of the writes undone.
        work = spawn(self._outcome(writes, now, dry_run), "commit")
        outcome: list[Written] | PaiError = await asyncio.shield(work)
        if isinstance(outcome, PaiError):
            raise outcome
        return outcome

    async def write_status(self, key: ResourceKey, uid: str, status: Document) -> bool:
        """Replace the status; False when nothing changed or that object is gone."""
        stored = self._writer.stored(key)
        if stored is None or uid_of(stored) != uid:
            return False
        before: Json = stored.get("status") or {}
        if not difference(before, status):
            return False
        patch = {"metadata": {"uid": uid}, "status": replacing(before, status)}
        try:
            made = await self._kube.patch(
                KINDS[key.kind],
                key.name,
                key.namespace,
                patch,
                manager=STATUS_MANAGER,
                subresource="status",
            )
        except KubeRefusedError as error:
            if error.status in _MISSED and await self._is_another(key, uid):
                return False
            raise as_ours(error, key) from error
        self._mirrors[key.kind].written(made)
        return True

    async def secret_values(self, key: ResourceKey) -> dict[str, str]:
        """Return the entries of a Secret that are text; {} when there is none."""
        found = self._writer.stored(key) if key.kind == SECRETS.kind else None
        if found is None:
            return {}
        values, unreadable = values_of(found)
        for name in unreadable:
            place = (key.namespace, key.name, name)
            if place not in self._unreadable:
                self._unreadable.add(place)
                log.warning("entry of a Secret is no text, left out", secret=str(key), entry=name)
        return values

    async def changes(self, after: int, limit: int) -> list[Change]:
        """Return the changes after a version of the sequence. Raises VersionGoneError."""
        return self._log.after(after, limit)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` in the event loop after each change; the answer ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def record_event(self, agent: AgentKey, event: Event) -> None:
        """Keep an event of an agent that exists; the same again only counts up."""
        uid = self._uid(agent)
        if uid is None:
            return
        try:
            await self._events.record(agent, uid, event)
        except KubeRefusedError as error:
            raise as_ours(error, _key(agent)) from error

    async def events(self, agent: AgentKey) -> list[Event]:
        """Return the events of the agent that has that name now, oldest first."""
        uid = self._uid(agent)
        if uid is None:
            return []
        try:
            return await self._events.read(agent, uid)
        except KubeRefusedError as error:
            raise as_ours(error, _key(agent)) from error

    async def add_audit(self, agent: AgentKey, records: Sequence[AuditRecord]) -> None:
        """Keep decisions of an agent's sidecars."""
        await self._activity.add_audit(agent, records)

    async def audit(self, namespace: str, agent: str | None, limit: int) -> list[AuditRecord]:
        """Return the newest decisions, oldest first."""
        return await self._activity.audit(namespace, agent, limit)

    async def requests_on(self, agent: AgentKey, day: str) -> Mapping[str, int]:
        """Return requests by provider on a UTC day (`YYYY-MM-DD`)."""
        return await self._activity.requests_on(agent, day)

    async def add_token(self, name: str, sha256: str, now: datetime) -> None:
        """Keep the hash of an API token; an older one of that name is replaced."""
        await self._activity.add_token(name, sha256, now)

    async def token_hashes(self) -> dict[str, str]:
        """Return the hashes of all API tokens by name."""
        return await self._activity.token_hashes()

    async def note(self, scope: str, name: str) -> Document | None:
        """Return a small document control keeps for itself, or None."""
        return await self._activity.note(scope, name)

    async def write_note(self, scope: str, name: str, document: Document | None) -> None:
        """Keep, replace or (None) drop such a document."""
        await self._activity.write_note(scope, name, document)

    async def notes(self, scope: str) -> dict[str, Document]:
        """Return all documents of a scope by name."""
        return await self._activity.notes(scope)

    async def forget(self, agent: AgentKey) -> None:
        """Drop counters of an agent that no longer exists; its Events age by themselves."""
        await self._activity.forget(agent)

    async def _outcome(
        self, writes: Sequence[Write], now: datetime, dry_run: bool
    ) -> list[Written] | PaiError:
        try:
            return await self._commit(writes, now, dry_run)
        except PaiError as error:  # expected: no crash of the task that it runs in
            return error

    async def _commit(self, writes: Sequence[Write], now: datetime, dry_run: bool) -> list[Written]:
        async with self._lock:
            done: list[Written] = []
            if dry_run or len(writes) > 1:
                for number, write in enumerate(writes, start=1):
                    done.append(await self._writer.do(write, now, dry_run=True, number=number))
            if dry_run:
                return done
            done = []
            for number, write in enumerate(writes, start=1):
                try:
                    done.append(await self._writer.do(write, now, number=number))
                except PaiError as error:
                    if not any(written.outcome != "unchanged" for written in done):
                        raise
                    raise PartlyStoredError(error, done) from error
            return done

    async def _is_another(self, key: ResourceKey, uid: str) -> bool:
        found = await self._writer.look(key)
        return found is None or uid_of(found) != uid

    async def _flush_events(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            try:
                await self._events.flush()
            except PaiError as error:
                log.warning("counts of events not written", error=error.message)

    def _mirror(self, kind: str, namespace: str | None) -> Mirror:
        labels = f"{SECRET_LABEL}=true" if kind == SECRETS.kind else None
        mirror = Mirror(self._kube, KINDS[kind], namespace=namespace, labels=labels, trim=trimmed)
        mirror.subscribe(self._heard)
        return mirror

    def _heard(self, change_type: ChangeType, found: Json) -> None:
        change = self._log.add(change_type, record_of(found))
        for listener in tuple(self._listeners):
            listener([change])

    def _uid(self, agent: AgentKey) -> str | None:
        found = self._writer.stored(_key(agent))
        return None if found is None else uid_of(found)

    def _trouble(self) -> str:
        told = [
            f"{kind}: {mirror.trouble}" for kind, mirror in self._mirrors.items() if mirror.trouble
        ]
        return "the API server does not tell what is stored: " + ("; ".join(told) or "no answer")


def _key(agent: AgentKey) -> ResourceKey:
    return ResourceKey(AGENT_WORKLOADS.kind, agent.namespace, agent.name)
