"""The coding agents that are tried, set up as docs/use-with.md says, and what their models do.

All are given a file with the words `one` and `two`, and are to make the second `three`.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.clients.pod import Outcome, run, variables

INSTALLED = Path("build/clients/agents").absolute()
PACKAGES = INSTALLED / "node_modules"
NODE = str(Path("build/clients/venv/bin/node").absolute())
NOTES = "notes.txt"
BEFORE, AFTER = "one\ntwo\n", "one\nthree\n"
DONE = "Notes are done: three."
STAND_IN = "my-model"  # of a model's name, on the page

_PAGE = Path("docs/use-with.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
Step = str | tuple[str, dict[str, Any]]


def blocks(heading: str, language: str) -> list[str]:
    """Return the blocks in one language below a heading of the page."""
    section = _PAGE.split(f"\n### {heading}\n")[1].split("\n##")[0]
    return [text for _, kind, text in _BLOCK.findall(section) if kind == language]


def _documented_env(heading: str) -> dict[str, str]:
    [block] = blocks(heading, "yaml")
    return {each["name"]: each["value"] for each in yaml.safe_load(block)["env"]}


@dataclass(frozen=True)
class CodingAgent:
    """One agent.

    heading: its own on the page, with its command and variables. program: what stands for the
    command's first word. steps: what the model does; `HOME` is filled in. files: by their paths
    below the home directory. more: variables for the test alone.
    """

    heading: str
    program: tuple[str, ...]
    steps: tuple[Step, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)

    def command(self, prompt: str) -> list[str]:
        """Return the command of the page, with this prompt."""
        [block] = blocks(self.heading, "sh")
        words = shlex.split(block)[1:]
        return [*self.program, *(prompt if word == "PROMPT" else word for word in words)]

    def env(self) -> dict[str, str]:
        """Return the variables that an author sets."""
        documented = _documented_env(self.heading) if blocks(self.heading, "yaml") else {}
        return {**documented, **self.more}


def _edit(**names: str) -> dict[str, Any]:
    return {"file_path": f"HOME/{NOTES}", "old_string": "two", "new_string": "three", **names}


CLAUDE_CODE = CodingAgent(
    heading="Claude Code",
    program=(NODE, str(PACKAGES / "@anthropic-ai/claude-code/cli-wrapper.cjs")),
    steps=(
        ("ToolSearch", {"query": "select:CronList", "max_results": 1}),
        ("Read", {"file_path": f"HOME/{NOTES}"}),
        ("Edit", _edit()),
        DONE,
    ),
)
_CODEX = NODE, str(PACKAGES / "@openai/codex/bin/codex.js")
_COMMAND = f"sed -i s/two/three/ {NOTES} && cat {NOTES}"
_CODEX_STEPS: tuple[Step, ...] = (("exec_command", {"cmd": _COMMAND}), DONE)
_BUILT_IN, _OWN = blocks("Codex CLI", "toml")
CODEX = CodingAgent("Codex CLI", _CODEX, _CODEX_STEPS, {".codex/config.toml": _BUILT_IN})
CODEX_OWN_PROVIDER = CodingAgent("Codex CLI", _CODEX, _CODEX_STEPS, {".codex/config.toml": _OWN})
GEMINI_CLI = CodingAgent(
    heading="Gemini CLI",
    program=(NODE, str(PACKAGES / "@google/gemini-cli/bundle/gemini.js")),
    steps=(
        ("google_web_search", {"query": "three"}),
        ("read_file", {"file_path": f"HOME/{NOTES}"}),
        ("replace", _edit(instruction="make it three")),
        DONE,
    ),
    files={".gemini/settings.json": blocks("Gemini CLI", "json")[0]},
    more={  # to start faster
        "GEMINI_CLI_NO_RELAUNCH": "true",
        "NODE_COMPILE_CACHE": str(INSTALLED / "compiled"),
    },
)
AIDER = CodingAgent(
    heading="aider",
    program=(str(INSTALLED / "venv/bin/aider"),),
    steps=(f"{NOTES}\n```\n<<<<<<< SEARCH\ntwo\n=======\nthree\n>>>>>>> REPLACE\n```\n{DONE}",),
    files={".aider.model.metadata.json": blocks("aider", "json")[0]},
    more={"AIDER_GIT": "false", "AIDER_EDIT_FORMAT": "diff"},
)
AGENTS = {
    "claude-code": CLAUDE_CODE,
    "codex": CODEX,
    "codex-own-provider": CODEX_OWN_PROVIDER,
    "gemini-cli": GEMINI_CLI,
    "aider": AIDER,
}


@dataclass(frozen=True)
class Worked:
    """What came of an agent, and what it left in its file."""

    outcome: Outcome
    notes: str


async def work(agent: CodingAgent, model: str, port: int, home: Path) -> Worked:
    """Let an agent work in `home`, which is made. port: the gateway's."""
    home.mkdir()
    (home / NOTES).write_text(BEFORE)
    for name, text in agent.files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text.replace(STAND_IN, model))
    script = json.dumps(agent.steps).replace("HOME", str(home))
    command = agent.command(f"Work on {NOTES} by this script: {script}")
    env = {name: value.replace(STAND_IN, model) for name, value in agent.env().items()}
    outcome = await run(command, variables(env, model, home / ".run"), home, port)
    return Worked(outcome, (home / NOTES).read_text())
