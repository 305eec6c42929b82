"""What is rendered: containers and volumes, ready to be handed to an engine."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

Step = Literal["pause", "prepare", "sidecar", "seed", "agent"]
STEPS: tuple[Step, ...] = ("pause", "prepare", "sidecar", "seed", "agent")
ONE_SHOT: frozenset[Step] = frozenset({"prepare", "seed"})


class FileSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A file put into a container between its creation and its start.

    name: below `/etc/pai`. Either content is given, or source names a secret that only the
    executor can look up; version then stands for the value in digests.
    """

    name: str
    uid: int
    mode: int
    content: str | None = None
    source: str | None = None
    version: str = ""


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one replica.

    body: of the Docker Engine API's create call. joins: name of the container whose network
    namespace this one enters. grace_seconds: between the polite and the hard signal.
    """

    name: str
    step: Step
    replica: int
    image: str
    digest: str
    body: dict[str, Any]
    files: tuple[FileSpec, ...] = ()
    joins: str | None = None
    grace_seconds: int = 0


class VolumeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One volume of one replica. keep: it holds the agent's data and outlives the agent."""

    name: str
    replica: int
    volume: str
    keep: bool
    labels: dict[str, str]


Manifest = Container | VolumeSpec


def images_of(desired: Iterable[Manifest]) -> frozenset[str]:
    """Return every image that `desired` needs."""
    return frozenset(item.image for item in desired if isinstance(item, Container))
