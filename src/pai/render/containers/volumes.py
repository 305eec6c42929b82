"""Volumes of a replica, and how each step mounts them."""

from pai.ir.agent import Agent
from pai.render.containers.facts import Facts
from pai.render.containers.manifest import VolumeSpec
from pai.render.labels import REPLICA, VOLUME, agent_labels
from pai.render.names import volume_name
from pai.render.places import exposed, places, prepare_paths, seed_root
from pai.render.shape import EXPOSE_DIRECTORY, RUN_DIRECTORY

RUN_VOLUME = "run"


def replica_volumes(agent: Agent, facts: Facts, replica: int) -> tuple[VolumeSpec, ...]:
    """Return the volumes of one replica: the shared run directory, then the agent's own."""
    own = [_volume(agent, facts, replica, place.volume, keep=True) for place in places(agent)]
    return (_volume(agent, facts, replica, f".{RUN_VOLUME}", keep=False), *own)


def _volume(agent: Agent, facts: Facts, replica: int, volume: str, *, keep: bool) -> VolumeSpec:
    """Label a volume; kept ones carry no uid, as a later agent of that name finds them again."""
    labels = {**agent_labels(facts.instance, agent.key), REPLICA: str(replica), VOLUME: volume}
    name = volume_name(facts.instance, agent.key, replica, volume)
    return VolumeSpec(name=name, replica=replica, volume=volume, keep=keep, labels=labels)


def prepare_binds(agent: Agent, volumes: tuple[VolumeSpec, ...]) -> list[str]:
    """Mount the run directory and every volume writable, away from the agent's own paths."""
    own = zip(volumes[1:], prepare_paths(agent), strict=True)
    return [_bind(volumes[0], RUN_DIRECTORY), *(_bind(volume, path) for volume, path in own)]


def seed_binds(agent: Agent, volumes: tuple[VolumeSpec, ...]) -> list[str]:
    """Mount declared volumes where the agent has them, implicit ones beside the image's files."""
    pairs = zip(volumes[1:], places(agent), strict=True)
    own = [_bind(volume, seed_root(agent, place.path)) for volume, place in pairs]
    return [_bind(volumes[0], RUN_DIRECTORY, "ro"), *own]


def agent_binds(agent: Agent, volumes: tuple[VolumeSpec, ...]) -> list[str]:
    """Mount everything where the agent expects it; the run directory can't be written."""
    pairs = zip(volumes[1:], places(agent), strict=True)
    own = [_bind(volume, place.path) for volume, place in pairs]
    return [_bind(volumes[0], RUN_DIRECTORY, "ro"), *own]


def sidecar_binds(agent: Agent, volumes: tuple[VolumeSpec, ...]) -> list[str]:
    """Mount, read-only and below `/agent`, the volumes that hold an exposed directory."""
    return [
        _bind(volume, f"{EXPOSE_DIRECTORY}{place.path}", "ro")
        for volume, place in zip(volumes[1:], places(agent), strict=True)
        if exposed(agent, place)
    ]


def _bind(volume: VolumeSpec, path: str, mode: str = "rw") -> str:
    # nocopy: a fresh volume starts empty, as it does on Kubernetes. The Mounts form of this
    # option is ignored by Podman.
    return f"{volume.name}:{path}:{mode},nocopy"
