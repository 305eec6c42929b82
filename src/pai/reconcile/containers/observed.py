"""What an engine holds of one agent, as values. Filled by `pai.runtime`, judged here."""

from datetime import datetime

import msgspec

from pai.render.containers import Step


class ObservedContainer(msgspec.Struct, frozen=True, kw_only=True):
    """One container of an agent.

    pod: identity of the network namespace it joined, empty for the pause container. born: raw
    start time, part of that identity. started: it ran at least once. error: what the engine said
    when it could not start it. last_log: last line it wrote, only read after an exit.
    """

    name: str
    id: str
    step: Step
    replica: int
    digest: str
    pod: str = ""
    running: bool = False
    started: bool = False
    exit_code: int = 0
    oom_killed: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    born: str = ""
    error: str = ""
    last_log: str = ""
    address: str | None = None
    memory_bytes: int = 0

    @property
    def identity(self) -> str:
        """Return what the containers that join this pause container are bound to.

        A start time belongs to it: a restarted owner has a new namespace, and those that joined
        the old one are cut off.
        """
        return f"{self.id}@{self.born}"


class ObservedVolume(msgspec.Struct, frozen=True, kw_only=True):
    """One volume of an agent. keep: it holds the agent's own data."""

    name: str
    replica: int
    keep: bool


class ImageState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an image is there, on its way, or could not be had.

    progress: text while a pull is under way. error, failed_at, failures: of the last tries.
    """

    present: bool
    progress: str | None = None
    error: str | None = None
    failed_at: datetime | None = None
    failures: int = 0


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What a sidecar says of its replica; inbound None = no port is declared."""

    sidecar: bool = False
    inbound: bool | None = None


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """Everything seen of one agent. readiness: by replica, asked by control."""

    containers: tuple[ObservedContainer, ...] = ()
    volumes: tuple[ObservedVolume, ...] = ()
    images: dict[str, ImageState] = {}
    readiness: dict[int, Readiness] = {}

    def replica(self, number: int) -> dict[Step, ObservedContainer]:
        """Return one replica's containers by step."""
        return {item.step: item for item in self.containers if item.replica == number}

    def addresses(self) -> dict[int, str]:
        """Return the address of each replica whose network namespace is up."""
        return {
            item.replica: item.address
            for item in self.containers
            if item.step == "pause" and item.running and item.address
        }
