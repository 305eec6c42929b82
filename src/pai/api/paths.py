"""Field types that name places in a container's file system or below its URL. Only text is read."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from pai.api.fault import wrong
from pai.api.scalars import CONTROL, echo

LONGEST_PATH = 1024
PLATFORM_URL_PATH = "/.pai"
# What the kernel or the platform fills; a volume or file there would break the container.
RESERVED_DIRECTORIES = ("/proc", "/sys", "/dev", "/run/pai", "/var/run/pai")
_URL_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+|/")


def within(path: str, directory: str) -> bool:
    """Say whether `path` is `directory` or lies below it. Both absolute and normalised."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def overlaps(one: str, other: str) -> bool:
    """Say whether one of two paths holds the other."""
    return within(one, other) or within(other, one)


def parent(path: str) -> str:
    """Return the directory that holds `path`."""
    return path.rpartition("/")[0] or "/"


def outermost(directories: Iterable[str]) -> list[str]:
    """Return the directories that lie in no other one. Shape: sorted, unique."""
    kept: list[str] = []
    for directory in sorted(set(directories)):
        if not any(within(directory, other) for other in kept):
            kept.append(directory)
    return kept


def absolute_path(value: str) -> str:
    """Check a path from the root; one '/' at its end is dropped."""
    if not value.startswith("/"):
        raise wrong(f"{echo(value)} must be absolute", f"did you mean {echo('/' + value)}?")
    if CONTROL.search(value) or len(value) > LONGEST_PATH:
        raise wrong(f"must have no control characters and at most {LONGEST_PATH} characters")
    path = value.removesuffix("/") or "/"
    if path != "/" and not {"", ".", ".."}.isdisjoint(path[1:].split("/")):
        raise wrong(f"{echo(value)} must be written out, without '.', '..' and '//'")
    return path


def directory_path(value: str) -> str:
    """Check a directory that the platform may take over: not the root, not the kernel's."""
    path = absolute_path(value)
    if path == "/":
        raise wrong("the directory '/' can't be used here", "name a directory below it")
    for reserved in RESERVED_DIRECTORIES:
        if within(path, reserved):
            raise wrong(f"{echo(value)} lies in {reserved}, which is reserved")
    return path


def file_path(value: str) -> str:
    """Check a file to put in place: its directory is one that the platform may take over."""
    if value.startswith("/") and value.endswith("/"):
        raise wrong(f"{echo(value)} is a directory, not a file")
    path = absolute_path(value)
    if parent(path) == "/":
        raise wrong(
            f"{echo(value)} lies in the directory '/', which can't be kept on a volume",
            "put the file into a directory",
        )
    directory_path(parent(path))
    return directory_path(path)


def url_path(value: str) -> str:
    """Check a public URL path; one '/' at its end is dropped."""
    path = value.removesuffix("/") or "/"
    if not value.startswith("/"):
        raise wrong(f"{echo(value)} must start with '/'", f"did you mean {echo('/' + value)}?")
    if not _URL_PATH.fullmatch(path) or not {".", ".."}.isdisjoint(path.split("/")):
        raise wrong(f"{echo(value)} is no plain URL path: no '..', '//', '?', '#', '%' or spaces")
    if within(path, PLATFORM_URL_PATH):
        raise wrong(f"{echo(value)} is reserved: {PLATFORM_URL_PATH} is the platform's own")
    return path


_ABSOLUTE = Field(json_schema_extra={"format": "path", "pattern": "^/", "maxLength": LONGEST_PATH})
AbsolutePath = Annotated[str, AfterValidator(absolute_path), _ABSOLUTE]
DirectoryPath = Annotated[str, AfterValidator(directory_path), _ABSOLUTE]
FilePath = Annotated[str, AfterValidator(file_path), _ABSOLUTE]
UrlPath = Annotated[str, AfterValidator(url_path), _ABSOLUTE]
