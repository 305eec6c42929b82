"""Faults: what is wrong with a document, where, and the way out. Raised all at once.

Validators of this package raise `wrong(...)`; `pai.api.validation` turns it into `Fault`s.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from pydantic_core import PydanticCustomError

from pai.errors import SpecError

PathPart = str | int
Path = tuple[PathPart, ...]

MAX_FAULTS_SHOWN = 50
CUSTOM_TYPE = "pai"


class Problem(NamedTuple):
    """A broken rule. path: relative to the place whose validator found it."""

    message: str
    hint: str | None = None
    path: Path = ()


def wrong(message: str, hint: str | None = None, path: Path = ()) -> PydanticCustomError:
    """Return the exception by which a validator reports one broken rule."""
    return all_wrong([Problem(message, hint, path)])


def all_wrong(problems: Sequence[Problem]) -> PydanticCustomError:
    """Return the exception by which a validator reports several broken rules at once."""
    context = {"message": problems[0].message, "problems": tuple(problems)}
    return PydanticCustomError(CUSTOM_TYPE, "{message}", context)


def path_text(path: Path) -> str:
    """Return a path as people write it: `spec.volumes[0].size`, `metadata.labels[a/b]`."""
    text = ""
    for part in path:
        plain = isinstance(part, str) and part.replace("_", "").isalnum()
        if plain:
            text += f".{part}" if text else str(part)
        else:
            text += f"[{part}]"
    return text


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of one document.

    source: file name, or "" for a document that came as data. document: counted from 1.
    line: counted from 1, 0 = not known. path: as `path_text` writes it, "" = the whole document.
    """

    message: str
    path: str = ""
    hint: str | None = None
    source: str = ""
    document: int = 1
    line: int = 0

    def __str__(self) -> str:
        """Return `agent.yaml:12: spec.modelBindings[0]: what is wrong`."""
        place = self.source
        if self.line:
            place = f"{place or 'document ' + str(self.document)}:{self.line}"
        return ": ".join(part for part in (place, self.path, self.message) if part)


class DocumentErrors(SpecError):  # noqa: N818 - it carries several
    """Everything that is wrong with the given documents. Shape: `faults` is never empty."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        lines: list[str] = []
        for fault in self.faults[:MAX_FAULTS_SHOWN]:
            lines.append(str(fault))
            if fault.hint and len(self.faults) > 1:
                lines.append(f"  hint: {fault.hint}")
        if len(self.faults) > MAX_FAULTS_SHOWN:
            lines.append(f"... and {len(self.faults) - MAX_FAULTS_SHOWN} more faults")
        only = self.faults[0] if len(self.faults) == 1 else None
        super().__init__("\n".join(lines), hint=only.hint if only else None)
