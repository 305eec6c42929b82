"""docs/reference/conditions.md holds exactly the conditions and reasons of the code."""

import re
from pathlib import Path

from pai.reconcile import CONDITIONS, REASONS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conditions.md"


def test_the_page_lists_every_condition_and_reason() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert dict(rows) == {**CONDITIONS, **REASONS}


def test_every_reason_in_the_code_is_documented() -> None:
    source = "".join(
        path.read_text() for path in (PAGE.parents[2] / "src/pai/reconcile").glob("*.py")
    )
    used = set(re.findall(r'reason="(\w+)"', source))
    used |= set(re.findall(r'_condition\("\w+", [^,]+, "(\w+)"', source))
    assert used - {"Starting"} <= REASONS.keys()
    assert set(re.findall(r'_condition\("(\w+)"', source)) <= CONDITIONS.keys()
