"""Write flags of `pai up` into settings.toml and leave everything else there as it is."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pai.control.settings import load_settings
from pai.store.instance_key import write_private

Value = bool | int | str


def with_values(text: str, values: Mapping[str, Value]) -> str:
    """Return TOML `text` with top-level keys set; comments, order and tables stay. Pure."""
    lines = text.splitlines()
    top = next((i for i, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    head, tables = lines[:top], lines[top:]
    for key, value in values.items():
        wanted = f"{key} = {json.dumps(value)}"
        place = next((i for i, line in enumerate(head) if _sets(line, key)), None)
        if place is None:
            head.append(wanted)
        else:
            head[place] = wanted
    return "".join(f"{line}\n" for line in [*head, *tables])


def keep(path: Path, values: Mapping[str, Value]) -> None:
    """Set `values` in the file at `path`, which may be missing; nothing changes when they are set.

    Raises SpecError when the file does not make valid settings, and leaves it as it was.
    """
    text = path.read_text() if path.exists() else ""
    changed = with_values(text, values) if values else text
    if changed == text:
        return
    trial = path.with_name(f"{path.name}.new")
    write_private(trial, changed.encode())
    try:
        load_settings(trial)
    finally:
        trial.unlink()
    write_private(path, changed.encode())


def _sets(line: str, key: str) -> bool:
    return re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line) is not None
