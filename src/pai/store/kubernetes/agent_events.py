"""Events of agents as core/v1 Events, counted up instead of repeated.

One that comes again and again is written at most once a minute; its count is kept here meanwhile.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from pai.ir.agent import AgentKey
from pai.kube import Json, Kube, KubeRefusedError
from pai.kube.kinds import AGENT_WORKLOADS, EVENTS
from pai.kube.mirror_state import version_of
from pai.store.record import Event

SOURCE = "pai-control"
PAUSE_SECONDS = 60.0
KEPT_EVENTS = 100
_REMEMBERED = 5000
_FORGOTTEN_SECONDS = 3600.0  # API servers keep an Event for an hour
_MESSAGE_LENGTH = 1024
_NOT_FOUND, _CONFLICT = 404, 409


class _Told(msgspec.Struct):
    """An Event that was written. waiting: how often it happened since then."""

    namespace: str
    at: str
    count: int
    written: float
    waiting: int = 0


class AgentEvents:
    """Writes and reads Events. clock: monotonic seconds."""

    def __init__(self, kube: Kube, clock: Callable[[], float]) -> None:
        self._kube = kube
        self._clock = clock
        self._told: dict[str, _Told] = {}

    async def record(self, agent: AgentKey, uid: str, event: Event) -> None:
        """Keep an event; one that was written within the last minute is counted only."""
        name = event_name(agent.name, uid, event)
        told = self._told.get(name)
        if told is None:
            await self._write(name, agent, uid, event)
            return
        told.at = event.at
        told.waiting += event.count
        if self._clock() - told.written >= PAUSE_SECONDS:
            await self._raise_count(name, told)

    async def flush(self, *, everything: bool = False) -> None:
        """Write the counts that have waited long enough, or all."""
        clock = self._clock()
        for name, told in list(self._told.items()):
            if told.waiting and (everything or clock - told.written >= PAUSE_SECONDS):
                await self._raise_count(name, told)
            elif not told.waiting and clock - told.written >= _FORGOTTEN_SECONDS:
                self._told.pop(name, None)

    async def read(self, agent: AgentKey, uid: str) -> list[Event]:
        """Return the newest events of the agent with that uid, oldest first."""
        fields = f"involvedObject.uid={uid}"
        items, _ = await self._kube.list(EVENTS, agent.namespace, fields=fields)
        return [self._event(item) for item in sorted(items, key=self._age)[-KEPT_EVENTS:]]

    async def _write(self, name: str, agent: AgentKey, uid: str, event: Event) -> None:
        if len(self._told) >= _REMEMBERED:
            self._told.pop(next(iter(self._told)))
        document = event_object(name, agent, uid, event)
        self._told[name] = told = _Told(agent.namespace, event.at, event.count, self._clock())
        try:
            await self._kube.create(document, manager=SOURCE)
        except KubeRefusedError as error:
            if error.status != _CONFLICT:
                del self._told[name]
                raise
            # Written by the control before this one: go on counting from there.
            known = await self._kube.get(EVENTS, name, agent.namespace)
            told.count = int((known or {}).get("count") or 0)
            told.waiting = event.count
            await self._raise_count(name, told)
        except BaseException:
            del self._told[name]
            raise

    async def _raise_count(self, name: str, told: _Told) -> None:
        waiting, told.written = told.waiting, self._clock()
        patch = {"count": told.count + waiting, "lastTimestamp": told.at}
        try:
            await self._kube.patch(EVENTS, name, told.namespace, patch, manager=SOURCE)
        except KubeRefusedError as error:
            self._told.pop(name, None)
            if error.status != _NOT_FOUND:  # expired: the next one begins anew
                raise
        told.count += waiting
        told.waiting -= waiting

    def _age(self, item: Json) -> tuple[str, int]:
        return self._event(item).at, version_of(item)

    def _event(self, item: Json) -> Event:
        event = event_of(item)
        told = self._told.get(str(item["metadata"]["name"]))
        if told is None or not told.waiting:
            return event
        return msgspec.structs.replace(event, at=told.at, count=event.count + told.waiting)


def event_name(agent: str, uid: str, event: Event) -> str:
    """Return the name under which an event is found again."""
    parts = "\0".join((uid, event.type, event.reason, event.message))
    return f"{agent}.{hashlib.sha256(parts.encode()).hexdigest()[:20]}"


def event_object(name: str, agent: AgentKey, uid: str, event: Event) -> Json:
    """Return the Event to create."""
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"name": name, "namespace": agent.namespace},
        "involvedObject": {
            "apiVersion": AGENT_WORKLOADS.api_version,
            "kind": AGENT_WORKLOADS.kind,
            "namespace": agent.namespace,
            "name": agent.name,
            "uid": uid,
        },
        "type": event.type,
        "reason": event.reason,
        "message": event.message[:_MESSAGE_LENGTH],
        "count": event.count,
        "firstTimestamp": event.at,
        "lastTimestamp": event.at,
        "source": {"component": SOURCE},
        "reportingComponent": SOURCE,
    }


def event_of(item: Json) -> Event:
    """Return an Event of the cluster as one of ours; newer ones keep count and time elsewhere."""
    series: dict[str, Any] = item.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        item.get("lastTimestamp"),
        item.get("eventTime"),
        item["metadata"].get("creationTimestamp"),
    )
    return Event(
        at=str(next((time for time in times if time), "")),
        type="Warning" if item.get("type") == "Warning" else "Normal",
        reason=str(item.get("reason") or ""),
        message=str(item.get("message") or ""),
        count=int(series.get("count") or item.get("count") or 1),
    )
