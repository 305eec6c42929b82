"""`-f FILE|-|DIR`: find the texts, and turn them into documents or into faults with their lines."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pai.api.documents import Source, parse_all
from pai.api.fault import DocumentErrors
from pai.api.fault import Fault as ApiFault
from pai.cli.failures import CommandError, Fault, FaultsError, UsageError

_SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"


def documents(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return all documents of the named files, directories and standard input, in order.

    Raises FaultsError with every fault of every text, CommandError when one can't be read.
    """
    if names.count(STDIN) > 1:
        raise UsageError("-f -: standard input can be read only once")
    sources = [source for name in names for source in _sources(name)]
    try:
        found = [resource.to_wire() for resource in parse_all(sources)]
    except DocumentErrors as error:
        raise FaultsError([_shown(fault) for fault in error.faults]) from None
    if not found:
        raise CommandError(f"{', '.join(names)}: no document in it")
    return found


def _sources(name: str) -> list[Source]:
    if name == STDIN:
        return [Source("stdin", sys.stdin.buffer.read())]
    path = Path(name)
    if not path.is_dir():
        return [_read(path)]
    files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())
    if not files:
        raise CommandError(f"{name}: no {', '.join(_SUFFIXES)} file in this directory")
    return [_read(file) for file in files]


def _read(path: Path) -> Source:
    try:
        return Source(str(path), path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _shown(fault: ApiFault) -> Fault:
    place = f"{fault.source}:{fault.line}" if fault.line else fault.source
    message = f"{fault.path}: {fault.message}" if fault.path else fault.message
    return Fault(message, place, fault.hint)
