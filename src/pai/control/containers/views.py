"""An agent's containers as the public API shows them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from pai.control.containers.engine_door import EngineDoor
from pai.control.http.agent_logs import last_lines
from pai.errors import PaiError
from pai.ir.agent import AgentKey
from pai.reconcile import Observed, ObservedContainer
from pai.render.containers import STEPS, Step
from pai.runtime.protocol import ExecSession, LogChunk
from pai.store.record import Record

_LOG_LINES = 20


class ContainerViews:
    """A `pai.control.side.AgentViews`.

    ready, failures: what the worker knows of an agent, the latter by container name for its uid.
    """

    def __init__(
        self,
        engine: EngineDoor,
        ready: Callable[[AgentKey], frozenset[int]],
        failures: Callable[[AgentKey, str], Mapping[str, int]],
    ) -> None:
        self._engine = engine
        self._ready = ready
        self._failures = failures

    async def replicas(self, key: AgentKey, record: Record) -> list[dict[str, Any]]:
        """Return `{"replica", "ready", "restarts", "message"}` of each, sorted; [] unreachable."""
        observed = await self._observed(key)
        ready, failures = self._ready(key), self._failures(key, record.uid)
        return [
            {
                "replica": number,
                "ready": number in ready and _runs(containers),
                "restarts": max((failures.get(c.name, 0) for c in containers), default=0),
                "message": _ended(containers),
            }
            for number in sorted({item.replica for item in observed.containers})
            if (containers := list(observed.replica(number).values()))
        ]

    async def last_log(self, key: AgentKey) -> list[str]:
        """Return the last lines of the first container that failed, else of the agent."""
        observed = await self._observed(key)
        failed = [c for c in observed.containers if c.started and not c.running and c.exit_code]
        agents = [c for c in observed.containers if c.started and c.step == "agent"]
        speakers = sorted(failed, key=lambda c: (STEPS.index(c.step), c.replica)) or agents
        if not speakers:
            return []
        chosen = speakers[0]
        try:
            chunks = self.logs(key, chosen.replica, chosen.step, tail=_LOG_LINES)
            return await last_lines(chunks, _LOG_LINES)
        except PaiError:
            return []  # it went away meanwhile; the next report tells

    def logs(
        self,
        key: AgentKey,
        replica: int,
        step: Step = "agent",
        *,
        follow: bool = False,
        tail: int | None = None,
    ) -> AsyncIterator[LogChunk]:
        """Yield what a container wrote. Raises NotFoundError when there is none."""
        return self._engine.use().logs(key, replica, step, follow=follow, tail=tail)

    async def exec(
        self, key: AgentKey, replica: int, command: Sequence[str], *, tty: bool = False
    ) -> ExecSession:
        """Start a command in an agent's container. Raises NotFoundError when none runs."""
        return await self._engine.use().exec(key, replica, command, tty=tty)

    async def _observed(self, key: AgentKey) -> Observed:
        try:
            return await self._engine.use().observe(key)
        except PaiError:
            return Observed()  # the status says already that the engine is out of reach


def _runs(containers: list[ObservedContainer]) -> bool:
    return any(item.step == "agent" and item.running for item in containers)


def _ended(containers: list[ObservedContainer]) -> str:
    for item in sorted(containers, key=lambda container: STEPS.index(container.step)):
        if not item.running and item.started and item.exit_code:
            why = "over its memory limit" if item.oom_killed else f"code {item.exit_code}"
            return f"{item.step} ended: {why}"
    return ""
