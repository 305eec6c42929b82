"""Give fresh volumes to the agent's user."""

import os
from pathlib import Path

from pai.ir.prepare import VolumeOwner

_FROM_MKFS = frozenset({"lost+found"})


def own_fresh_volumes(volumes: tuple[VolumeOwner, ...]) -> list[str]:
    """Change the owner of each volume root that is fresh; return the paths that were changed.

    Fresh: owned by root and empty. Anything else was somebody's before and stays as it is.
    """
    return [volume.path for volume in volumes if _own_if_fresh(volume)]


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
