"""docs/use-with.md names the versions that the tests install."""

import json
import re
from pathlib import Path

PAGE = Path("docs/use-with.md").read_text(encoding="utf-8")
LOCK = Path("tests/clients/agents/package-lock.json")
PACKAGES = {
    "Claude Code": "@anthropic-ai/claude-code",
    "Codex CLI": "@openai/codex",
    "Gemini CLI": "@google/gemini-cli",
}


def test_agents_are_named_in_the_versions_that_are_tried() -> None:
    locked = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    for name, package in PACKAGES.items():
        assert f"{name} {locked[f'node_modules/{package}']['version']}" in PAGE
    pins = Path("locks/agents.txt").read_text(encoding="utf-8")
    aider = re.search(r"^aider-chat==(\S+)", pins, re.MULTILINE)
    assert aider is not None
    assert f"aider {aider[1]}" in PAGE
