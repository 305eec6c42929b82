"""docs/limits.md names every limit with the default that the code has."""

import dataclasses
import re
from pathlib import Path

import pytest

from pai.wire.limits import ClientLimits, ServerLimits

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
UNITS = {"KiB": 1024, "MiB": 1024 * 1024, "s": 1, "": 1}


def documented(section: str) -> dict[str, float | None]:
    text = PAGE.split(f"(`{section}`")[1].split("\n## ")[0]
    found: dict[str, float | None] = {}
    for line in filter(lambda line: line.startswith("|"), text.splitlines()):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`(\w+)`", cells[0])
        for name, value in zip(names, cells[1].split(", ") if names else [], strict=True):
            number, _, unit = value.partition(" ")
            found[name] = None if value == "none" else float(number) * UNITS[unit]
    return found


@pytest.mark.parametrize("limits", [ServerLimits(), ClientLimits()])
def test_every_limit_is_documented_with_its_default(limits: ServerLimits | ClientLimits) -> None:
    assert documented(type(limits).__name__) == dataclasses.asdict(limits)
