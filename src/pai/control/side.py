"""What an engine adds to control: the reconcile loop and the API know nothing else of it."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from pai.control.resolution import Resolution
from pai.ir.agent import Agent, AgentKey
from pai.ledger.balance import Balance
from pai.reconcile import AgentStatus, Event
from pai.render.containers import Step as StepName
from pai.runtime.protocol import ExecSession, LogChunk
from pai.store.record import Record


class Sight(Protocol):
    """What a look at an agent led to; the actions are the engine's own business.

    requeue_seconds: look again after so long, None = when something changes. done: deletion is
    complete.
    """

    @property
    def status(self) -> AgentStatus:
        """Return the status to write."""

    @property
    def events(self) -> Sequence[Event]:
        """Return what happened."""

    @property
    def requeue_seconds(self) -> float | None:
        """Return when to look again."""

    @property
    def done(self) -> bool:
        """Say whether nothing of a deleted agent is left."""


SightT = TypeVar("SightT", bound=Sight)


class Side(Protocol[SightT]):
    """An engine as the reconcile loop uses it.

    Every call raises TransientError while the engine is out of reach.
    """

    async def look(
        self,
        record: Record,
        resolution: Resolution | None,
        agent: Agent | None,
        balances: Mapping[str, Balance],
    ) -> SightT:
        """Look at one agent and think; nothing is changed. agent: None = it is being deleted."""

    async def keep(self, record: Record, sight: SightT) -> None:
        """Keep what must not be forgotten before anything is done."""

    async def act(self, record: Record, sight: SightT) -> None:
        """Do what the look led to; stop at the first thing that fails."""

    async def sweep(self, key: AgentKey) -> float | None:
        """Remove what is left of an agent that no document describes; when to look again."""

    async def forget(self, key: AgentKey, record: Record) -> None:
        """Drop what is remembered of an agent of which nothing is left."""

    async def present(self) -> Collection[AgentKey]:
        """Return every agent of which the engine holds something."""

    def events(self) -> AsyncIterator[AgentKey | None]:
        """Yield each agent to look at again; None (first of all) = look at every one."""


class AgentViews(Protocol):
    """An engine as the public API uses it."""

    async def replicas(self, key: AgentKey, record: Record) -> list[dict[str, Any]]:
        """Return `{"replica", "ready", "restarts", "message"}` of each, sorted; [] unreachable."""

    async def last_log(self, key: AgentKey) -> list[str]:
        """Return the last lines of the container that failed, else of the agent; [] = none."""

    def logs(
        self,
        key: AgentKey,
        replica: int,
        step: StepName = "agent",
        *,
        follow: bool = False,
        tail: int | None = None,
    ) -> AsyncIterator[LogChunk]:
        """Yield what a container wrote. Raises NotFoundError when there is none."""

    async def exec(
        self, key: AgentKey, replica: int, command: Sequence[str], *, tty: bool = False
    ) -> ExecSession:
        """Start a command in an agent's container. Raises NotFoundError when none runs."""
