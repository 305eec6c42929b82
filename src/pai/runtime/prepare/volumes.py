"""Give fresh volumes to the agent's user, or see that the engine did."""

import os
import stat
from collections.abc import Collection
from pathlib import Path

from pai.errors import PaiError
from pai.ir.prepare import VolumeOwner

_FROM_MKFS = frozenset({"lost+found"})


class VolumeError(PaiError):
    """The agent could not write to a volume of its own: the replica must not start."""

    reason = "VolumeNotWritable"


def own_fresh_volumes(volumes: tuple[VolumeOwner, ...]) -> list[str]:
    """Change the owner of each volume root that is fresh; return the paths that were changed.

    Fresh: owned by root and empty. Anything else was somebody's before and stays as it is.
    """
    return [volume.path for volume in volumes if _own_if_fresh(volume)]


def check_writable(volumes: tuple[VolumeOwner, ...], groups: Collection[int]) -> None:
    """Check that the agent may make files in each volume, as far as mode and owner tell.

    groups: those that all containers of the replica are in, fsGroup among them.
    Raises VolumeError.
    """
    for volume in volumes:
        found = os.stat(volume.path, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            raise VolumeError(f"{volume.path}: not a directory")
        if not _may_write(found, volume.uid, {volume.uid, *groups}):
            raise _not_writable(volume, found)


def _may_write(found: os.stat_result, uid: int, groups: Collection[int]) -> bool:
    """Decide as the kernel does: the first of owner, group, others that fits is the one."""
    if found.st_uid == uid:
        bits = found.st_mode >> 6
    elif found.st_gid in groups:
        bits = found.st_mode >> 3
    else:
        bits = found.st_mode
    return bits & 0o3 == 0o3


def _not_writable(volume: VolumeOwner, found: os.stat_result) -> VolumeError:
    owner = f"{found.st_uid}:{found.st_gid}, mode {stat.S_IMODE(found.st_mode):04o}"
    return VolumeError(
        f"{volume.path}: UID {volume.uid} can't write there, it belongs to {owner}",
        hint=(
            "the volume's driver ignores fsGroup: use a storage class that applies it, "
            f"or give the volume to {volume.uid}:{volume.uid} once, with chown on its server"
        ),
    )


def _own_if_fresh(volume: VolumeOwner) -> bool:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(Path(volume.path), flags) if _owned_by_root(volume.path) else None
    if descriptor is None:
        return False
    try:
        if set(os.listdir(descriptor)) - _FROM_MKFS:
            return False
        os.fchown(descriptor, volume.uid, volume.uid)
    finally:
        os.close(descriptor)
    return True


def _owned_by_root(path: str) -> bool:
    """Look before opening: without DAC_OVERRIDE root can't open what others closed to it."""
    return os.stat(path, follow_symlinks=False).st_uid == 0
