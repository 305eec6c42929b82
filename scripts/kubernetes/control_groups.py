"""The control group below which a cluster's pods live: none of two clusters sees the other's."""

import time
from pathlib import Path

from scripts.kubernetes.failure import ClusterError

MOUNT = Path("/sys/fs/cgroup")
_NEEDED = ("cpu", "cpuset", "memory", "pids")


def hierarchies(mount: Path = MOUNT) -> list[Path]:
    """Return where a group must be made: the one tree of version 2, or every tree of version 1."""
    if (mount / "cgroup.controllers").exists():
        return [mount]
    return sorted(path for path in mount.iterdir() if path.is_dir() and not path.is_symlink())


def make_group(name: str, mount: Path = MOUNT) -> None:
    """Make the group in every hierarchy; safe to call again."""
    for tree in hierarchies(mount):
        if (tree / "cgroup.controllers").exists() and tree == mount:
            offered = (tree / "cgroup.controllers").read_text().split()
            wanted = " ".join(f"+{word}" for word in _NEEDED if word in offered)
            (tree / "cgroup.subtree_control").write_text(wanted)
        group = tree / name
        group.mkdir(exist_ok=True)
        if tree.name.startswith("cpuset"):
            _inherit(tree, group)


def _inherit(tree: Path, group: Path) -> None:
    """Give a new group of version 1 its parent's processors; without any nothing can run."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        if (group / file).exists() and not (group / file).read_text().strip():
            (group / file).write_text((tree / file).read_text())


def members(name: str, mount: Path = MOUNT) -> set[int]:
    """Return the processes in the group and below."""
    found: set[int] = set()
    for tree in hierarchies(mount):
        for file in (tree / name).rglob("cgroup.procs"):
            found.update(map(int, file.read_text().split()))
    return found


def remove_group(name: str, mount: Path = MOUNT) -> None:
    """Remove the group with what is below; its processes have ended. Raises ClusterError."""
    for tree in hierarchies(mount):
        group = tree / name
        if group.is_dir():
            for below in sorted(group.rglob("*/"), reverse=True):
                if below.is_dir():
                    _remove(below)
            _remove(group)


def _remove(group: Path) -> None:
    """Remove one group; the kernel needs a moment after its last process."""
    for _ in range(50):
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise ClusterError(f"{group} can't be removed: something still runs in it")
