"""What the cluster holds of each agent, kept up to date by mirrors; nothing is asked for it.

Every replica of control has one: whoever leads reads it to think, all read it to know where an
agent's pods are.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pai.ir.agent import AgentKey
from pai.kube import Kube, Mirror
from pai.kube.kinds import (
    CLAIMS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    NETWORK_POLICIES,
    PDBS,
    PODS,
    SECRETS,
    SERVICES,
    STATEFUL_SETS,
    Kind,
)
from pai.kube.mirror import without_managed_fields
from pai.reconcile.kubernetes import Json, Observed, Ref, ref_of
from pai.render.labels import AGENT

_RENDERED = (
    NETWORK_POLICIES,
    CONFIG_MAPS,
    SECRETS,
    SERVICES,
    PDBS,
    DEPLOYMENTS,
    STATEFUL_SETS,
)
# Of pods only what is told: a pod's spec repeats what the workload says.
_POD_STATUS = ("phase", "podIP", "conditions", "initContainerStatuses", "containerStatuses")

Listener = Callable[[AgentKey], None]


class Inventory:
    """Mirrors of everything that bears an agent's label, by agent."""

    def __init__(self, kube: Kube) -> None:
        self._mirrors = {
            kind: Mirror(kube, kind, labels=AGENT, trim=_trims.get(kind, without_managed_fields))
            for kind in (*_RENDERED, PODS, CLAIMS)
        }
        self._held: dict[AgentKey, dict[Ref, Kind]] = {}
        self._foreign: dict[AgentKey, dict[Ref, Json]] = {}
        self._listeners: list[Listener] = []
        for kind, mirror in self._mirrors.items():
            mirror.subscribe(_listener(self._changed, kind))

    async def run(self) -> None:
        """Follow the cluster until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind, mirror in self._mirrors.items():
                group.create_task(mirror.run(), name=f"mirror-{kind.plural}")

    async def synced(self) -> None:
        """Return when every mirror has been filled once."""
        for mirror in self._mirrors.values():
            await mirror.synced()

    def subscribe(self, listener: Listener) -> None:
        """Tell `listener` which agent's objects have changed."""
        self._listeners.append(listener)

    @contextmanager
    def told(self, listener: Listener) -> Iterator[None]:
        """Tell `listener` as long as the block lasts."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def agents(self) -> Collection[AgentKey]:
        """Return every agent of which something is held."""
        return tuple(self._held)

    def observed(self, key: AgentKey) -> Observed:
        """Return what is held of one agent; refusals are left out."""
        held = {ref: kind for ref, kind in self._held.get(key, {}).items() if kind not in _APART}
        objects = {ref: item for ref, kind in held.items() for item in self._now(key, ref, kind)}
        return Observed(
            objects={**self._foreign.get(key, {}), **objects},
            pods=self.pods(key),
            claims=self._of(key, CLAIMS),
        )

    def pods(self, key: AgentKey) -> tuple[Json, ...]:
        """Return an agent's pods."""
        return self._of(key, PODS)

    def knows(self, key: AgentKey, ref: Ref) -> bool:
        """Say whether an object is mirrored."""
        return ref in self._held.get(key, {})

    def put(self, key: AgentKey, document: Json) -> None:
        """Take the API server's answer to a write at once; the mirror will say the same."""
        for kind, mirror in self._mirrors.items():
            if kind.kind == document["kind"]:
                mirror.written(document)

    def put_foreign(self, key: AgentKey, document: Json) -> None:
        """Remember an object of somebody else that bears a name we need."""
        self._foreign.setdefault(key, {})[ref_of(document)] = document
        self._tell(key)

    def forget_foreign(self, key: AgentKey) -> Mapping[Ref, Json]:
        """Drop what was remembered of others' objects, so that it is looked at anew."""
        return self._foreign.pop(key, {})

    def _changed(self, kind: Kind, change: str, document: Json) -> None:
        metadata = document["metadata"]
        key = AgentKey(metadata["namespace"], metadata["labels"][AGENT])
        ref = Ref(kind.api_version, kind.kind, metadata["name"])
        if change == "DELETED":
            held = self._held.get(key, {})
            held.pop(ref, None)
            if not held:
                self._held.pop(key, None)
        else:
            self._held.setdefault(key, {})[ref] = kind
            self._foreign.get(key, {}).pop(ref, None)
        self._tell(key)

    def _of(self, key: AgentKey, wanted: Kind) -> tuple[Json, ...]:
        held = self._held.get(key, {}).items()
        found = [self._now(key, ref, kind) for ref, kind in held if kind == wanted]
        return tuple(item for items in found for item in items)

    def _now(self, key: AgentKey, ref: Ref, kind: Kind) -> tuple[Json, ...]:
        """Return an object, or nothing: that it is gone may be told a moment later."""
        found = self._mirrors[kind].objects.get((key.namespace, ref.name))
        return () if found is None else (found,)

    def _tell(self, key: AgentKey) -> None:
        for listener in tuple(self._listeners):
            listener(key)


_APART = (PODS, CLAIMS)


def _listener(
    changed: Callable[[Kind, str, Json], None], kind: Kind
) -> Callable[[str, Json], None]:
    return lambda change, document: changed(kind, change, document)


def _pod(document: Json) -> Json:
    status: dict[str, Any] = document.get("status", {})
    return {
        "metadata": _named(document["metadata"]),
        "status": {name: status[name] for name in _POD_STATUS if name in status},
    }


def _secret(document: Json) -> Json:
    """Return a Secret of ours without what is in it."""
    kept = {name: value for name, value in document.items() if name not in ("data", "stringData")}
    return without_managed_fields(kept)


def _claim(document: Json) -> Json:
    return {"metadata": _named(document["metadata"]), "spec": document["spec"]}


def _named(metadata: Json) -> Json:
    kept = (
        "name", "namespace", "uid", "labels", "annotations", "ownerReferences", "resourceVersion",
        "creationTimestamp", "deletionTimestamp",
    )  # fmt: skip
    return {name: metadata[name] for name in kept if name in metadata}


_trims: dict[Kind, Callable[[Json], Json]] = {PODS: _pod, SECRETS: _secret, CLAIMS: _claim}
