"""Every proof that the threat model names exists."""

import re
from pathlib import Path

import pytest

PROOF = re.compile(r"`(tests/[\w./]+)(?:::(\w+))?`|`(test_\w+)`")
ROWS = [line for line in Path("docs/threat-model.md").read_text().splitlines() if "`test" in line]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_named_proofs_exist(row: str) -> None:
    file = ""
    for path, function, sibling in PROOF.findall(row):
        file = path or file
        assert Path(file).exists(), file
        wanted = function or sibling
        if wanted:
            assert f"def {wanted}(" in Path(file).read_text(), f"{file}::{wanted}"


def test_mitigated_rows_name_a_proof() -> None:
    table = Path("docs/threat-model.md").read_text().split("|---|")[1].splitlines()[1:]
    for row in table:
        if "| mitigated" in row:
            assert "`tests/" in row, row
