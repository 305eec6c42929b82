"""Small pure pieces of text: ages, counts, bars, tables, and text made safe for a terminal."""

import re
from collections.abc import Sequence
from datetime import datetime

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_USED, _RESERVED, _FREE = "█", "▒", "░"
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def printable(text: str) -> str:
    """Return `text` without anything that could steer a terminal; newline and tab stay.

    Agents write log lines and messages, and agents are not trusted.
    """
    return _CONTROL.sub("", _ESCAPES.sub("", text))


def width(text: str) -> int:
    """Return the columns that `text` takes, colours not counted."""
    return len(_COLOUR.sub("", text))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Return left-aligned columns, three spaces apart, no trailing blanks; "" for no column."""
    lines = [list(headers), *[list(row) for row in rows]]
    widths = [max(width(line[column]) for line in lines) for column in range(len(headers))]
    return "".join(indent + _row(line, widths) + "\n" for line in lines)


def pairs(rows: Sequence[tuple[str, str]], indent: str = "") -> str:
    """Return `Label:  value` lines with the values aligned."""
    room = max((len(label) for label, _ in rows), default=0) + 1
    return "".join(f"{indent}{label + ':':<{room}}  {text}".rstrip() + "\n" for label, text in rows)


def age(then: str | None, now: datetime) -> str:
    """Return how long ago the RFC 3339 time `then` was: `12s`, `5m`, `3h`, `9d`; `-` if unknown."""
    moment = parse_time(then)
    if moment is None:
        return "-"
    seconds = max(0, int((now - moment).total_seconds()))
    size, unit = next((pair for pair in _UNITS if seconds >= pair[0]), (1, "s"))
    return f"{seconds // size}{unit}"


def span(seconds: int) -> str:
    """Return a length of time in its two largest units: `11h 59m`, `4m 10s`, `8s`."""
    parts: list[str] = []
    for size, unit in _UNITS:
        if seconds >= size or parts or unit == "s":
            parts.append(f"{seconds // size}{unit}")
            seconds %= size
    return " ".join(parts[:2])


def parse_time(text: str | None) -> datetime | None:
    """Return the aware time of an RFC 3339 text, or None when it is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def count(number: int | None) -> str:
    """Return a number with thousands set apart: `1,234,567`; `-` for None."""
    return "-" if number is None else f"{number:,}"


def plural(number: int, noun: str) -> str:
    """Return `1 request`, `5 requests`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def bar(used: int, reserved: int, limit: int, columns: int = 24) -> str:
    """Return a bar of `limit`: full = used, half = reserved by running requests, light = free.

    Anything above zero shows at least one mark.
    """
    if limit <= 0:
        return _USED * columns
    spent = _share(used, limit, columns)
    held = min(columns - spent, _share(reserved, limit, columns))
    return _USED * spent + _RESERVED * held + _FREE * (columns - spent - held)


def _share(part: int, whole: int, columns: int) -> int:
    return 0 if part <= 0 else min(columns, max(1, part * columns // whole))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (room - width(cell)) for cell, room in zip(cells, widths, strict=True))
    return "   ".join(padded).rstrip()
