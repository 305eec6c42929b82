"""`golden.check(path, text)`: the file holds what the code makes; `--update-golden` rewrites it."""

from pathlib import Path

import pytest


class Golden:
    """Compares with recorded files, or records."""

    def __init__(self, *, update: bool) -> None:
        self._update = update

    def check(self, path: Path, text: str) -> None:
        """Fail unless `path` holds `text`."""
        if self._update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"{path} is missing: make golden, then read it"
        assert text == path.read_text(encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The recorded files."""
    return Golden(update=bool(request.config.getoption("--update-golden", default=False)))
