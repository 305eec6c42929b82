"""docs/reference/pending.md: fields that have no effect yet."""

from pathlib import Path

from pai.api.pending import PENDING

_HEAD = """\
# Fields without effect yet

<!-- Made by `make generate` from pai.api.pending; do not edit. -->

These fields are read and validated like all others, but nothing acts on them yet. `pai apply`
warns about each one in use, and the agent's conditions name it.

| Kind | Field | What does not happen | What happens instead |
|---|---|---|---|
"""


def generate() -> dict[Path, str]:
    """Return the page."""
    rows = [f"| {f.kind} | `{f.path}` | {f.what} | {f.until} |\n" for f in PENDING]
    return {Path("docs/reference/pending.md"): _HEAD + "".join(rows)}
