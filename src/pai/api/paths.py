"""Field types that name places in a container's file system or below its URL. Only text is read."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from pai.api import cel
from pai.api.fault import wrong
from pai.api.model import Cel, Twin
from pai.api.scalars import CONTROL, echo

LONGEST_PATH = 1024
LONGEST_FILE_PATH = 512
PLATFORM_URL_PATH = "/.pai"
# What the kernel or the platform fills; a volume or file there would break the container.
RESERVED_DIRECTORIES = ("/proc", "/sys", "/dev", "/run/pai", "/var/run/pai")
_SEGMENT = r"/[A-Za-z0-9._~!$&'()*+,;=:@-]+"
_URL_PATH = re.compile(rf"(?:{_SEGMENT})+/?|/")


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
    if value != "/" and not {"", ".", ".."}.isdisjoint(path[1:].split("/")):
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
    if len(value) > LONGEST_FILE_PATH:
        raise wrong(f"must have at most {LONGEST_FILE_PATH} characters")
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


def probe_path(value: str) -> str:
    """Check a URL path, taken as it is."""
    if not value.startswith("/"):
        raise wrong(f"{echo(value)} must start with '/'", f"did you mean {echo('/' + value)}?")
    if not _URL_PATH.fullmatch(value) or not {".", ".."}.isdisjoint(value.split("/")):
        raise wrong(f"{echo(value)} is no plain URL path: no '..', '//', '?', '#', '%' or spaces")
    return value


def url_path(value: str) -> str:
    """Check a public URL path; one '/' at its end is dropped."""
    path = probe_path(value).removesuffix("/") or "/"
    if within(path, PLATFORM_URL_PATH):
        raise wrong(f"{echo(value)} is reserved: {PLATFORM_URL_PATH} is the platform's own")
    return path


_RESERVED = "|".join(directory[1:] for directory in RESERVED_DIRECTORIES)
_WRITTEN_OUT = (
    Cel("self.startsWith('/')", "must be absolute", hint="begin it with '/'"),
    cel.lacks(r"[\x00-\x1f\x7f]", "must have no control characters"),
    cel.lacks(r"//|/\.{1,2}(/|$)", "must be written out, without '.', '..' and '//'"),
)
_DIRECTORY = (
    Cel("self != '/'", "the directory '/' can't be used here", hint="name a directory below it"),
    cel.lacks(f"^/({_RESERVED})(/|$)", f"lies in a reserved directory: /{_RESERVED}"),
)
_FILE = (
    Cel("!self.endsWith('/')", "is a directory, not a file"),
    cel.lacks(
        "^/[^/]*$",
        "lies in the directory '/', which can't be kept on a volume",
        "put the file into a directory",
    ),
)
_PLAIN_WORDS = "is no plain URL path: no '..', '//', '?', '#', '%' or spaces"
_PLAIN_URL = (
    Cel("self.startsWith('/')", "must start with '/'"),
    cel.matches(_URL_PATH.pattern, _PLAIN_WORDS),
    cel.lacks(r"/\.{1,2}(/|$)", _PLAIN_WORDS),
)
_OWN_URL = cel.lacks(
    r"^/\.pai(/|$)", f"is reserved: {PLATFORM_URL_PATH} is the platform's own", "choose another"
)
_ABSOLUTE = Field(json_schema_extra={"format": "path", "pattern": "^/", "maxLength": LONGEST_PATH})
_SHORT = Field(max_length=LONGEST_PATH)
AbsolutePath = Annotated[str, AfterValidator(absolute_path), Twin(*_WRITTEN_OUT), _ABSOLUTE]
DirectoryPath = Annotated[
    str, AfterValidator(directory_path), Twin(*_WRITTEN_OUT, *_DIRECTORY), _ABSOLUTE
]
FilePath = Annotated[
    str,
    AfterValidator(file_path),
    Twin(*_WRITTEN_OUT, *_FILE, _DIRECTORY[1]),
    Field(json_schema_extra={"format": "path", "pattern": "^/", "maxLength": LONGEST_FILE_PATH}),
]
UrlPath = Annotated[str, _SHORT, AfterValidator(url_path), Twin(*_PLAIN_URL, _OWN_URL), _ABSOLUTE]
ProbePath = Annotated[str, _SHORT, AfterValidator(probe_path), Twin(*_PLAIN_URL), _ABSOLUTE]
