"""What control asks of whatever holds agents. Containers today; the tests' fake keeps to it too."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Literal, Protocol

import msgspec

from pai.ir.agent import AgentKey
from pai.reconcile import Action, Observed
from pai.render.containers import Step

SecretFile = Callable[[str, AgentKey, int], bytes]
Channel = Literal["stdout", "stderr"]


class NetworkInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The platform's bridge. gateway: the machine's own address on it."""

    name: str
    gateway: str
    subnet: str


class EngineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Which engine answers."""

    kind: Literal["docker", "podman"]
    version: str
    api_version: str
    socket: str


class LogChunk(msgspec.Struct, frozen=True):
    """Bytes a container wrote, as they came."""

    channel: Channel
    data: bytes


class Output(Protocol):
    """Bytes a command wrote, as they came."""

    @property
    def channel(self) -> Channel:
        """Return where it wrote them."""

    @property
    def data(self) -> bytes:
        """Return the bytes."""


class ExecSession(Protocol):
    """A command that runs in an agent's container."""

    async def read(self) -> Output | None:
        """Return what it wrote next, None once it is over. With a terminal all is stdout."""

    async def write(self, data: bytes) -> None:
        """Send to its standard input."""

    async def close_stdin(self) -> None:
        """End its standard input; what it writes still comes."""

    async def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal the new size."""

    async def exit_code(self) -> int:
        """Return how it ended; call after `read` returned None."""

    async def close(self) -> None:
        """Let go of it; the command may go on."""


class Runtime(Protocol):
    """An engine, seen through one platform's eyes: objects of other instances don't exist.

    Every call raises EngineUnavailableError while the engine is out of reach, and
    EngineRefusedError when it says no.
    """

    async def engine(self) -> EngineInfo:
        """Return which engine answers."""

    async def ensure_network(self) -> NetworkInfo:
        """Return the platform's network, made if it is missing."""

    async def remove_network(self) -> None:
        """Remove the platform's network, if it is there and nothing uses it."""

    async def observe(self, key: AgentKey, images: Collection[str] = ()) -> Observed:
        """Return all there is of one agent, and the state of `images`; readiness is left out."""

    async def observe_all(self) -> frozenset[AgentKey]:
        """Return every agent of which a container or a scratch volume is left."""

    async def execute(self, action: Action) -> None:
        """Carry out one action; again, if need be. A pull is only begun."""

    def events(self) -> AsyncIterator[AgentKey | None]:
        """Yield each agent to look at again; None (first of all) = look at every one."""

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

    async def exec(
        self,
        key: AgentKey,
        replica: int,
        command: Sequence[str],
        *,
        tty: bool = False,
    ) -> ExecSession:
        """Start a command in an agent's container. Raises NotFoundError when none runs."""

    async def close(self) -> None:
        """Let go of the engine; containers go on."""
