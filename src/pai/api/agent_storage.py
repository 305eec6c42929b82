"""Parts of an agent that say what lies in its file system: volumes, files, confinement."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pai.api.fault import Problem, all_wrong
from pai.api.lists import repeated
from pai.api.model import ApiModel, AsList, Cel, Twin
from pai.api.paths import AbsolutePath, DirectoryPath, FilePath, within
from pai.api.scalars import ByteQuantity, Name, Text, echo

IMPLICIT_VOLUME = "config"
# Each is compared with each, also by the API server, which bounds the cost of a rule.
MAX_CONFIG_FILES = 128
MAX_CONFIG_BYTES = 1_000_000  # all files together travel in one ConfigMap


_NOT_RESERVED = Cel(
    f"self != '{IMPLICIT_VOLUME}'",
    "is reserved for the volume that keeps config files",
    hint="choose another name",
)
_GROWS_ONLY = Cel(
    "!isQuantity(string(self)) || !isQuantity(string(oldSelf)) "
    "|| quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0",
    "is below the present size; a volume can't shrink",
    hint="keep the size, or declare a new volume and move the data",
)


class Volume(ApiModel):
    """A directory that outlives restarts; every replica has one of its own."""

    name: Annotated[Name, Twin(_NOT_RESERVED)] = Field(
        description="Name of the volume. `config` is reserved."
    )
    mount_path: DirectoryPath = Field(description="Where it appears in the container.")
    size: Annotated[ByteQuantity, Twin(_GROWS_ONLY)] = Field(
        description="Size, e.g. `5Gi`. It can grow later, never shrink."
    )


class ConfigFile(ApiModel):
    """A file put in place on first start; once it exists it belongs to the agent."""

    path: FilePath = Field(description="Absolute path of the file.")
    content: Text = Field(
        repr=False, max_length=MAX_CONFIG_BYTES, description="What the file holds at first."
    )


_Paths = Annotated[tuple[AbsolutePath, ...], AsList, Field(max_length=256)]


class Filesystem(ApiModel):
    """Where the agent may write. Reading is never restricted."""

    read_only_paths: _Paths = Field(
        default=(), description="Paths that stay read-only, also inside a writable place."
    )
    writable_paths: _Paths = Field(
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


# Every volume holds itself, and nothing else may hold it.
_APART = Cel(
    "[self.map(v, v.mountPath.endsWith('/') ? v.mountPath : v.mountPath + '/')]"
    ".all(mounts, mounts.all(one, mounts.exists_one(other, one.startsWith(other))))",
    "two volumes have the same mountPath, or one lies inside the other",
    hint="give each volume a directory of its own",
)
_FILE_RULES = (
    Cel(
        "[self.map(f, f.path + '/')].all(files, self.all(f, "
        "!files.exists(other, f.path.startsWith(other))))",
        "a path lies below that of another file",
        hint="rename one of the two",
    ),
    Cel(
        f"self.map(f, size(f.content)).sum() <= {MAX_CONFIG_BYTES}",
        f"hold more than {MAX_CONFIG_BYTES} bytes together",
        hint="put large files into the image or a volume",
    ),
)
Volumes = Annotated[
    tuple[Volume, ...],
    AsList,
    Field(max_length=64),
    AfterValidator(_volumes),
    Twin(_APART, list_type="map", list_map_keys=["name"]),
]
ConfigFiles = Annotated[
    tuple[ConfigFile, ...],
    AsList,
    Field(max_length=MAX_CONFIG_FILES),
    AfterValidator(_config_files),
    Twin(*_FILE_RULES, list_type="map", list_map_keys=["path"]),
]
