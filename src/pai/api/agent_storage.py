"""Parts of an agent that say what lies in its file system: volumes, files, confinement."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pai.api.fault import Problem, all_wrong
from pai.api.lists import repeated
from pai.api.model import ApiModel, AsList
from pai.api.paths import AbsolutePath, DirectoryPath, FilePath, within
from pai.api.scalars import ByteQuantity, Name, Text, echo

IMPLICIT_VOLUME = "config"
MAX_CONFIG_BYTES = 1_000_000  # all files together travel in one ConfigMap


class Volume(ApiModel):
    """A directory that outlives restarts; every replica has one of its own."""

    name: Name = Field(description="Name of the volume. `config` is reserved.")
    mount_path: DirectoryPath = Field(description="Where it appears in the container.")
    size: ByteQuantity = Field(description="Size, e.g. `5Gi`. It can grow later, never shrink.")


class ConfigFile(ApiModel):
    """A file put in place on first start; once it exists it belongs to the agent."""

    path: FilePath = Field(description="Absolute path of the file.")
    content: Text = Field(repr=False, description="What the file holds at first.")


class Filesystem(ApiModel):
    """Where the agent may write. Reading is never restricted."""

    read_only_paths: Annotated[tuple[AbsolutePath, ...], AsList] = Field(
        default=(), description="Paths that stay read-only, also inside a writable place."
    )
    writable_paths: Annotated[tuple[AbsolutePath, ...], AsList] = Field(
        default=(),
        description="Writable paths besides volumes, `/tmp` and directories of config files.",
    )
    enforcement: Literal["besteffort", "strict"] = Field(
        default="besteffort",
        description="`strict` refuses to start an agent that can't be confined.",
    )


def _volumes(volumes: tuple[Volume, ...]) -> tuple[Volume, ...]:
    problems = repeated(volumes, lambda volume: volume.name, "the name", ("name",))
    problems += repeated(volumes, lambda volume: volume.mount_path, "the path", ("mountPath",))
    for index, volume in enumerate(volumes):
        if volume.name == IMPLICIT_VOLUME:
            message = f"{IMPLICIT_VOLUME!r} is reserved for the volume that keeps config files"
            problems.append(Problem(message, "choose another name", (index, "name")))
        for other in volumes:
            inside = volume.mount_path != other.mount_path
            if inside and within(volume.mount_path, other.mount_path):
                message = f"lies inside volume {other.name!r} at {echo(other.mount_path)}"
                problems.append(Problem(message, path=(index, "mountPath")))
    if problems:
        raise all_wrong(problems)
    return volumes


def _config_files(files: tuple[ConfigFile, ...]) -> tuple[ConfigFile, ...]:
    problems = repeated(files, lambda file: file.path, "the path", ("path",))
    for index, file in enumerate(files):
        for other in files:
            if file.path != other.path and within(file.path, other.path):
                message = f"lies below {echo(other.path)}, which is a file itself"
                problems.append(Problem(message, path=(index, "path")))
    if sum(len(file.content.encode()) for file in files) > MAX_CONFIG_BYTES:
        message = f"hold more than {MAX_CONFIG_BYTES} bytes together"
        problems.append(Problem(message, "put large files into the image or a volume"))
    if problems:
        raise all_wrong(problems)
    return files


Volumes = Annotated[tuple[Volume, ...], AsList, Field(max_length=64), AfterValidator(_volumes)]
ConfigFiles = Annotated[
    tuple[ConfigFile, ...], AsList, Field(max_length=256), AfterValidator(_config_files)
]
