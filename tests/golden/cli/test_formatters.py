"""One file a case: `name.json` is what the API answers, `name.txt` what people see.

A new case is a new JSON file. The first case of each formatter is also recorded with colours.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.golden.conftest import Golden

from pai.cli.kinds import AGENT, kind_named, kind_of
from pai.cli.output.describe import describe
from pai.cli.output.doctor import Check
from pai.cli.output.doctor import report as doctor
from pai.cli.output.ledger import audit, usage
from pai.cli.output.listing import listing
from pai.cli.output.paint import PLAIN, Paint
from pai.cli.output.results import results, warnings
from pai.cli.output.status import status

HERE = Path(__file__).parent
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
Formatter = Callable[[Any, str, Paint], str]


def _describe(found: Any, _: str, paint: Paint) -> str:
    kind = kind_of(found["object"]["kind"])
    assert kind is not None
    return describe(kind, found, NOW, paint)


FORMATTERS: dict[str, Formatter] = {
    "status": lambda found, _, paint: status(found, NOW, paint),
    "list": lambda found, _, paint: listing(AGENT, found, NOW, paint),
    "get": lambda found, case, paint: listing(kind_named(case), found, NOW, paint),
    "describe": _describe,
    "usage": lambda found, _, paint: usage(found, paint),
    "audit": lambda found, _, paint: audit(found, paint),
    "apply": lambda found, _, paint: results(found, paint) + warnings(found, paint),
    "doctor": lambda found, _, paint: doctor([Check(**item) for item in found], paint),
}
CASES = sorted(path.relative_to(HERE) for path in HERE.glob("*/*.json"))


def test_every_formatter_has_cases() -> None:
    assert {case.parent.name for case in CASES} == set(FORMATTERS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_output_is_as_recorded(case: Path, golden: Golden) -> None:
    found = json.loads((HERE / case).read_text())
    form = FORMATTERS[case.parent.name]
    plain = form(found, case.stem, PLAIN)
    assert "\x1b" not in plain
    golden.check((HERE / case).with_suffix(".txt"), plain)
    coloured = form(found, case.stem, Paint(on=True))
    golden.check((HERE / case).with_suffix(".colour.txt"), coloured.replace("\x1b", "<ESC>"))
