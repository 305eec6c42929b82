"""`pai doctor`: the table of checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pai.cli.output.paint import Paint
from pai.cli.output.plain import plural, printable, table

Level = Literal["OK", "WARN", "FAIL"]
_COLOURS = {"OK": Paint.good, "WARN": Paint.warn, "FAIL": Paint.bad}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. advice: what to do, empty when nothing is."""

    name: str
    level: Level
    found: str
    advice: str = ""


def report(checks: Sequence[Check], paint: Paint) -> str:
    """Return the checks as a table, what to do about each, and a verdict."""
    rows = [
        [_COLOURS[check.level](paint, check.level), check.name, printable(check.found)]
        for check in checks
    ]
    text = table([paint.bold(header) for header in ("RESULT", "CHECK", "FOUND")], rows)
    todo = [check for check in checks if check.advice]
    if todo:
        lines = [f"  {check.name}: {printable(check.advice)}\n" for check in todo]
        text += "\n" + paint.bold("What to do:") + "\n" + "".join(lines)
    return text + "\n" + _verdict(checks, paint) + "\n"


def _verdict(checks: Sequence[Check], paint: Paint) -> str:
    failed = sum(check.level == "FAIL" for check in checks)
    warned = sum(check.level == "WARN" for check in checks)
    if failed:
        return paint.bad(f"{plural(failed, 'check')} failed")
    if warned:
        return paint.warn(f"everything works; {plural(warned, 'warning')}")
    return paint.good("everything works")
