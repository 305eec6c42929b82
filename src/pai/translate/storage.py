"""Volumes and config files: where each file is kept, and which size changes are possible."""

from collections.abc import Sequence

from pai.api.agent_storage import ConfigFile, Volume
from pai.api.paths import outermost, parent, within
from pai.api.quantity import size_bytes
from pai.errors import SpecError
from pai.ir import agent as ir


def volumes(written: Sequence[Volume]) -> tuple[ir.Volume, ...]:
    """Return the declared volumes. Shape: sorted by name."""
    return tuple(
        sorted(ir.Volume(item.name, item.mount_path, size_bytes(item.size)) for item in written)
    )


def config_files(
    files: Sequence[ConfigFile], declared: Sequence[ir.Volume]
) -> tuple[ir.ConfigFile, ...]:
    """Return each file with the directory whose volume keeps it. Shape: sorted by path.

    That is the mount path of a declared volume, or the outermost directory of files outside all
    of them: one place, so that no kept directory lies inside another.
    """
    mounts = [volume.mount_path for volume in declared]
    outside = outermost(
        parent(file.path) for file in files if not any(within(file.path, mount) for mount in mounts)
    )
    return tuple(
        ir.ConfigFile(
            file.path, _root(file.path, mounts) or _root(file.path, outside), file.content
        )
        for file in sorted(files, key=lambda file: file.path)
    )


def _root(path: str, directories: Sequence[str]) -> str:
    """Return the directory that holds `path`, or ""."""
    return next((directory for directory in directories if within(path, directory)), "")


def shrunk_volumes(old: Sequence[Volume], new: Sequence[Volume]) -> list[SpecError]:
    """Return a fault for each volume that would become smaller; data might be lost."""
    before = {volume.name: volume for volume in old}
    faults = []
    for index, volume in enumerate(new):
        known = before.get(volume.name)
        if known is not None and size_bytes(volume.size) < size_bytes(known.size):
            faults.append(
                SpecError(
                    f"spec.volumes[{index}].size: {volume.size} is below the present {known.size}; "
                    "a volume can't shrink",
                    hint="keep the size, or declare a new volume and move the data",
                )
            )
    return faults
