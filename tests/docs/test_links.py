"""Every relative link of a page leads to a file, and every page is reachable from the README."""

import re
from pathlib import Path

import pytest

LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[\w-]+)?\)")
PAGES = [Path("README.md"), Path("CONTRIBUTING.md"), *sorted(Path("docs").rglob("*.md"))]


def targets(page: Path) -> list[Path]:
    """Return what a page links to, relative to the repository."""
    return [(page.parent / link) for link in LINK.findall(page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    assert [str(target) for target in targets(page) if not target.exists()] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    queue = [Path("README.md").resolve()]
    while queue:
        page = queue.pop()
        if page in seen:
            continue
        seen.add(page)
        for target in targets(page):
            found = target.resolve()
            if found.is_dir():
                queue += [each.resolve() for each in found.rglob("*.md")]
            elif found.suffix == ".md":
                queue.append(found)
    missing = {page.resolve() for page in PAGES} - seen
    assert sorted(str(page) for page in missing - {Path("CONTRIBUTING.md").resolve()}) == []
