"""How a command fails, and the proof that it changed nothing."""

import json
import subprocess
from typing import Any

from tests.e2e.stage.installation import Platform

KINDS = ("agents", "models", "services", "secrets")


def resources(platform: Platform) -> dict[str, Any]:
    """Return all that people have written, by `kind/name`; without what the platform adds later."""
    found = {}
    for kind in KINDS:
        listed = json.loads(platform.pai("get", kind, "-o", "json").stdout)
        for item in listed["items"] if isinstance(listed, dict) else listed:
            facts = {key: value for key, value in item.items() if key != "status"}
            meta = {k: v for k, v in item["metadata"].items() if k != "resourceVersion"}
            found[f"{kind}/{meta['name']}"] = {**facts, "metadata": meta}
    return found


def containers(platform: Platform) -> set[str]:
    """Return the names of all containers of this platform, running or not."""
    return set(engine_objects(platform, "ps", "--all", "--format", "{{.Names}}"))


def engine_objects(platform: Platform, *command: str) -> list[str]:
    """Return what a listing of the engine shows of this platform, a line each."""
    mark = f"label=pai.io/instance={platform.instance}"
    return platform.engine_command(*command, "--filter", mark).split()


def errors_of(done: subprocess.CompletedProcess[str], code: int = 1) -> list[str]:
    """Return the `error:` lines of a command that had to fail with `code`, checked for form."""
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == code, said
    assert "Traceback" not in said, said
    lines = done.stderr.splitlines()
    for line in lines:
        assert line.startswith(("error: ", "hint:  ", "warning: ", "  ")), said
    return [line for line in lines if line.startswith("error: ")]


def the_error(done: subprocess.CompletedProcess[str], code: int = 1) -> tuple[str, str]:
    """Return the one error and its hint ("" without one) of a command that had to fail."""
    [error] = errors_of(done, code)
    hints = [line for line in done.stderr.splitlines() if line.startswith("hint:")]
    assert len(hints) <= 1, done.stderr
    return error.removeprefix("error: "), hints[0].removeprefix("hint:  ") if hints else ""
