"""Where a run's figures are kept, what is said of it, and the page that quotes them."""

import json
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pai.clock import utc_now
from pai.wire import exchange

RESULTS = Path("bench/results")
PAGE = Path("docs/performance.md")


def about() -> dict[str, str]:
    """Return when and from what the figures are."""
    describe = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    commit = subprocess.run(describe, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "at": utc_now().isoformat(),
        "commit": commit,
        "python": platform.python_version(),
        "hot path": "compiled" if exchange.__file__.endswith(".so") else "not compiled",
    }


def keep(name: str, run: Mapping[str, object], lines: Sequence[str], note: str) -> None:
    """Write the run where the next one can be compared with it, and where people read it."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    facts = about()
    (RESULTS / f"{name}.json").write_text(json.dumps({**facts, **run}, indent=1) + "\n")
    python = f"Python {facts['python']}, {facts['hot path']}"
    source = f"{facts['at'][:16]} commit {facts['commit']}, {python}"
    text = "\n".join([f"{source}, {note}", "", *lines, ""])
    (RESULTS / f"{name}.txt").write_text(text)
    PAGE.write_text(quoting(PAGE.read_text(), name, text))


def quoting(page: str, name: str, text: str) -> str:
    """Return the page with `text` in the block below the mark of `name`, if it has one."""
    mark = f"<!-- bench/results/{name}.txt -->\n```\n"
    block = re.compile(re.escape(mark) + r"(?:.*\n)*?```\n")
    return block.sub(lambda _: f"{mark}{text}```\n", page)
