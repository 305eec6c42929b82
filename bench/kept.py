"""Where a run's figures are kept, and what is said of it."""

import platform
import subprocess
from pathlib import Path

from pai.clock import utc_now

RESULTS = Path("bench/results")


def about() -> dict[str, str]:
    """Return when and from what the figures are."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {"at": utc_now().isoformat(), "commit": commit, "python": platform.python_version()}
