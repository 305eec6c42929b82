"""Agents for fault tests, how a command fails, and the proof that it changed nothing."""

import subprocess
from typing import Any

from tests.e2e.stage.installation import AGENT_IMAGE, Platform

KINDS = ("agentworkloads", "modelbindings", "providers", "secrets")

PLAIN = """
apiVersion: pai.io/v1
kind: AgentWorkload
metadata: {{name: {name}}}
spec:
  image: {image}
{spec}
"""

WAITS = "  command: [sh, -c, 'trap exit TERM; while :; do sleep 1000 & wait; done']\n"


def agent(name: str, spec: str = "", image: str = AGENT_IMAGE) -> str:
    """An agent that only waits, unless `spec` says otherwise; lines of `spec` are indented."""
    command = "" if "command:" in spec else WAITS
    return PLAIN.format(name=name, image=image, spec=command + spec)


def resources(platform: Platform) -> dict[str, Any]:
    """Return all that people have written, by `kind/name`; without what the platform adds later."""
    found = {}
    with platform.api() as http:
        for kind in KINDS:
            for item in http.get(f"/api/v1/namespaces/default/{kind}").json()["items"]:
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
