"""Directories of an agent that a volume backs, and where each step finds them."""

from posixpath import normpath

import msgspec

from pai.ir.agent import Agent
from pai.render.digest import digest
from pai.render.shape import CONFIG_DIRECTORY, VOLUMES_DIRECTORY


class Place(msgspec.Struct, frozen=True, order=True):
    """A directory of the agent on a volume. implicit: made for config files, not declared."""

    path: str
    volume: str
    implicit: bool = False


def places(agent: Agent) -> tuple[Place, ...]:
    """Return every directory of the agent that a volume backs, sorted by path."""
    declared = {volume.mount_path for volume in agent.volumes}
    found = {Place(volume.mount_path, volume.name) for volume in agent.volumes}
    for file in agent.config_files:
        if file.root not in declared:
            found.add(Place(file.root, f"config-{digest(file.root)[:8]}", implicit=True))
    return tuple(sorted(found))


def prepare_paths(agent: Agent) -> tuple[str, ...]:
    """Return where the prepare step finds each of `places`, in the same order."""
    return tuple(f"{VOLUMES_DIRECTORY}/{index}" for index in range(len(places(agent))))


def seed_root(agent: Agent, path: str) -> str:
    """Return where the seed step sees the volume that backs `path`."""
    implicit = [place.path for place in places(agent) if place.implicit]
    return f"{CONFIG_DIRECTORY}/{implicit.index(path)}" if path in implicit else path


def exposed(agent: Agent, place: Place) -> bool:
    """Say whether a place holds a directory that is exposed."""
    return any(_inside(normpath(entry.directory), place.path) for entry in agent.expose)


def _inside(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory.rstrip('/')}/")
