"""Things to do to an engine: values which a test compares and `pai.runtime` carries out.

Each is safe to carry out twice and after having been cut short.
"""

import msgspec

from pai.render.containers import Container, VolumeSpec


class PullImage(msgspec.Struct, frozen=True):
    """Begin to fetch an image, unless that is under way; its state is observed later."""

    image: str


class CreateVolume(msgspec.Struct, frozen=True):
    """Make a volume unless it exists."""

    volume: VolumeSpec


class RunContainer(msgspec.Struct, frozen=True):
    """Create, supply and start a container in place of whatever has its name."""

    container: Container


class StartContainer(msgspec.Struct, frozen=True):
    """Start a container that ran before and has exited."""

    name: str
    id: str


class RemoveContainer(msgspec.Struct, frozen=True):
    """Stop and remove a container with its anonymous volumes."""

    name: str
    id: str
    grace_seconds: int = 0


class RemoveVolume(msgspec.Struct, frozen=True):
    """Remove a volume and what is in it."""

    name: str


Action = PullImage | CreateVolume | RunContainer | StartContainer | RemoveContainer | RemoveVolume
