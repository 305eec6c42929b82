"""The page on performance quotes the figures that are committed."""

from pathlib import Path

import pytest
from bench.kept import PAGE, RESULTS, quoting


@pytest.mark.parametrize("name", ["peers", "soak"])
def test_the_page_has_the_committed_figures(name: str) -> None:
    page, text = Path(PAGE).read_text(), (RESULTS / f"{name}.txt").read_text()
    assert text in page
    assert quoting(page, name, text) == page
