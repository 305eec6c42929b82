"""All resources in memory, and what each agent resolves to; follows the store's change log.

Who depends on whom is known here: a change of a Secret names the agents that it concerns.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from pai.api.modelbinding import ModelBinding
from pai.api.provider import Provider
from pai.api.validation import examine
from pai.control.documents import AGENT, MODEL, PROVIDER, SECRET, as_written
from pai.control.resolution import Resolution, named, resolve
from pai.ir.agent import AgentKey
from pai.ir.settings import Settings
from pai.store.record import Change, Record, ResourceKey
from pai.translate.identity import host_id
from pai.translate.references import References

Listener = Callable[[frozenset[AgentKey]], None]


class _Namespace(NamedTuple):
    bindings: dict[str, ModelBinding]
    providers: dict[str, Provider]
    secret_keys: dict[str, tuple[str, ...]]


class Catalog:
    """Every resource, and every agent resolved. Touched from the event loop only.

    host_seed: makes host ids different on each platform.
    """

    def __init__(self, settings: Settings, host_seed: bytes) -> None:
        self._settings = settings
        self._host_seed = host_seed
        self._namespaces: dict[str, _Namespace] = {}
        self._resolved: dict[AgentKey, Resolution] = {}
        self._uids: dict[str, AgentKey] = {}
        self._listeners: list[Listener] = []
        self.records: dict[ResourceKey, Record] = {}
        self.limits = Limits(settings)

    def load(self, records: Iterable[Record]) -> None:
        """Take what is stored at start."""
        for record in records:
            self._take(record)

    def subscribe(self, listener: Listener) -> None:
        """Tell `listener` which agents a change concerns, in whatever way."""
        self._listeners.append(listener)

    def follow(self, changes: Sequence[Change]) -> None:
        """Take changes as the store tells them."""
        concerned: set[AgentKey] = set()
        for change in changes:
            record = change.record
            before = self.records.get(record.key)
            if change.type == "DELETED":
                self._drop(record.key)
            else:
                self._take(record)
            if before is None or change.type == "DELETED" or _means_more(before, record):
                concerned |= self._concerned(record.key)
        for key in concerned:
            self._resolved.pop(key, None)
        if concerned:
            for listener in self._listeners:
                listener(frozenset(concerned))

    def agents(self) -> list[AgentKey]:
        """Return all agents there are, sorted."""
        return sorted(self._uids.values())

    def record(self, key: AgentKey) -> Record | None:
        """Return an agent's record."""
        return self.records.get(ResourceKey(AGENT, key.namespace, key.name))

    def owner(self, uid: str) -> AgentKey | None:
        """Return the agent that has this uid now."""
        return self._uids.get(uid)

    def references(self, namespace: str) -> References:
        """Return what agents of a namespace can name."""
        return References(*self._of(namespace))

    def resolved(self, key: AgentKey) -> Resolution | None:
        """Return what an agent resolves to, None when there is no such agent."""
        record = self.record(key)
        if record is None:
            return None
        if key not in self._resolved:
            identity = host_id(key.namespace, key.name, self._host_seed)
            self._resolved[key] = resolve(
                record, self.references(key.namespace), self._settings, identity
            )
        return self._resolved[key]

    def _take(self, record: Record) -> None:
        key = record.key
        before = self.records.get(key)
        if before is not None and before.uid != record.uid:
            self._uids.pop(before.uid, None)
        self.records[key] = record
        self.limits.take(record)
        if key.kind == AGENT:
            self._uids[record.uid] = _agent(key)
            return
        space = self._of(key.namespace)
        if key.kind == SECRET:
            space.secret_keys[key.name] = tuple(entry.name for entry in record.entries)
            return
        resource, _ = examine(as_written(record))
        if isinstance(resource, ModelBinding):
            space.bindings[key.name] = resource
        elif isinstance(resource, Provider):
            space.providers[key.name] = resource

    def _drop(self, key: ResourceKey) -> None:
        record = self.records.pop(key, None)
        self.limits.drop(key)
        if key.kind == AGENT and record is not None:
            self._uids.pop(record.uid, None)
        space = self._of(key.namespace)
        if key.kind == MODEL:
            space.bindings.pop(key.name, None)
        elif key.kind == PROVIDER:
            space.providers.pop(key.name, None)
        elif key.kind == SECRET:
            space.secret_keys.pop(key.name, None)

    def _concerned(self, key: ResourceKey) -> set[AgentKey]:
        if key.kind == AGENT:
            return {_agent(key)}
        references = self.references(key.namespace)
        return {
            _agent(record.key)
            for record in self.records.values()
            if record.key.kind == AGENT
            and record.key.namespace == key.namespace
            and key in named(record, references)
        }

    def _of(self, namespace: str) -> _Namespace:
        return self._namespaces.setdefault(namespace, _Namespace({}, {}, {}))


class Limits:
    """Daily limits by subject, as the ledger asks for them; read from another thread."""

    def __init__(self, settings: Settings) -> None:
        self._default = settings.default_max_tokens_per_day
        self._limits: dict[str, int | None] = {}

    def take(self, record: Record) -> None:
        """Note the limit of an agent or a model binding."""
        identity = f"{record.key.namespace}/{record.key.name}"
        if record.key.kind == AGENT:
            written = record.spec.get("tokens", {}).get("maxPerDay")
            self._limits[f"agent:{identity}"] = written or self._default
        elif record.key.kind == MODEL:
            self._limits[f"model:{identity}"] = record.spec.get("maxTokensPerDay")

    def drop(self, key: ResourceKey) -> None:
        """Forget a resource that is gone."""
        prefix = {AGENT: "agent", MODEL: "model"}.get(key.kind)
        self._limits.pop(f"{prefix}:{key.namespace}/{key.name}", None)

    def of(self, subject: str) -> int | None:
        """Return the limit of a subject, None = unlimited. Raises LookupError."""
        return self._limits[subject]


def _means_more(before: Record, after: Record) -> bool:
    """Say whether more than status and version differ; of a Secret the values can't be seen."""
    if after.key.kind == SECRET:
        return True
    same = {"status": {}, "resource_version": 0}
    return msgspec.structs.replace(before, **same) != msgspec.structs.replace(after, **same)


def _agent(key: ResourceKey) -> AgentKey:
    return AgentKey(key.namespace, key.name)
