"""A run takes half an hour: what failed is in build/failures.txt as soon as it has failed."""

import os
from pathlib import Path

import pytest

FILE = Path(__file__).parent.parent / "build" / "failures.txt"


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def pytest_sessionstart() -> None:
    """Begin anew."""
    if not _is_worker():
        FILE.unlink(missing_ok=True)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a failure; workers send theirs to the session that started them."""
    if report.failed and not _is_worker():
        FILE.parent.mkdir(exist_ok=True)
        with FILE.open("a") as file:
            file.write(f"── {report.nodeid} ({report.when})\n{report.longreprtext}\n\n")
