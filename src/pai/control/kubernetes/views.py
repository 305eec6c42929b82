"""An agent's pods as the public API shows them."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any

from pai.control.http.agent_logs import last_lines
from pai.errors import PaiError
from pai.ir.agent import AgentKey
from pai.reconcile.kubernetes import PodState, pod_states
from pai.render.containers import Step
from pai.runtime.kubernetes.inventory import Inventory
from pai.runtime.kubernetes.streams import Streams
from pai.runtime.protocol import ExecSession, LogChunk
from pai.store.record import Record

_LOG_LINES = 20


class ClusterViews:
    """A `pai.control.side.AgentViews`."""

    def __init__(self, inventory: Inventory, streams: Streams, now: Callable[[], datetime]) -> None:
        self._inventory = inventory
        self._streams = streams
        self._now = now

    async def replicas(self, key: AgentKey, record: Record) -> list[dict[str, Any]]:
        """Return `{"replica", "ready", "restarts", "message"}` of each, sorted."""
        inbound = bool(record.spec.get("inbound"))
        return [
            {
                "replica": state.number,
                "ready": state.ready,
                "restarts": state.restarts,
                "message": "" if state.ready else state.waiting,
            }
            for state in self._states(key, inbound)
        ]

    async def last_log(self, key: AgentKey) -> list[str]:
        """Return the last lines of the agent in the first replica that fails, else in the first."""
        states = [state for state in self._states(key, False) if state.started]
        speakers = [state for state in states if state.failing] or states
        if not speakers:
            return []
        try:
            chunks = self.logs(key, speakers[0].number, tail=_LOG_LINES)
            return await last_lines(chunks, _LOG_LINES)
        except PaiError:
            return []  # it went away meanwhile, or never wrote; the next report tells

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
        return self._streams.logs(key, replica, step, follow=follow, tail=tail)

    async def exec(
        self, key: AgentKey, replica: int, command: Sequence[str], *, tty: bool = False
    ) -> ExecSession:
        """Start a command in an agent's container. Raises NotFoundError when none runs."""
        return await self._streams.exec(key, replica, command, tty=tty)

    def _states(self, key: AgentKey, inbound: bool) -> Sequence[PodState]:
        return pod_states(0, self._inventory.pods(key), (), inbound, self._now())
