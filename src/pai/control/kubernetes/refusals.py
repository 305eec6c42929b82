"""Why a cluster makes no pods for a workload: quota, Pod Security, a missing class.

A Deployment says it in its status; for a StatefulSet only its Events tell.
"""

from collections.abc import Callable, Iterable

from pai.ir.agent import AgentKey
from pai.kube import Kube
from pai.kube.kinds import EVENTS
from pai.reconcile.kubernetes import Json

_PAUSE_SECONDS = 10.0


class Refusals:
    """Reads the refusals of a workload, no more often than every few seconds.

    monotonic: seconds of a clock that never steps.
    """

    def __init__(self, kube: Kube, monotonic: Callable[[], float]) -> None:
        self._kube = kube
        self._monotonic = monotonic
        self._asked: dict[AgentKey, tuple[float, tuple[str, ...]]] = {}

    async def of(self, key: AgentKey, objects: Iterable[Json]) -> tuple[str, ...]:
        """Return the refusals of an agent's workload, newest first."""
        for item in objects:
            if item["kind"] == "Deployment":
                return _of_deployment(item)
            if item["kind"] == "StatefulSet":
                return await self._of_events(key, item)
        return ()

    async def _of_events(self, key: AgentKey, workload: Json) -> tuple[str, ...]:
        now = self._monotonic()
        asked, texts = self._asked.get(key, (None, ()))
        if asked is not None and now - asked < _PAUSE_SECONDS:
            return texts
        fields = f"involvedObject.uid={workload['metadata']['uid']},reason=FailedCreate"
        events, _ = await self._kube.list(EVENTS, key.namespace, fields=fields)
        events.sort(key=lambda event: str(event.get("lastTimestamp") or ""), reverse=True)
        texts = tuple(str(event.get("message", "")) for event in events)
        self._asked[key] = (now, texts)
        return texts


def _of_deployment(workload: Json) -> tuple[str, ...]:
    conditions = workload.get("status", {}).get("conditions") or ()
    return tuple(
        str(item.get("message", ""))
        for item in conditions
        if item["type"] == "ReplicaFailure" and item["status"] == "True"
    )
