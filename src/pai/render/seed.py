"""The seed plan: which config files the launcher copies where (docs/internals.md)."""

from pai.ir.agent import Agent
from pai.render.places import places, seed_root
from pai.render.shape import RUN_DIRECTORY

FILL_LIMIT_BYTES = 64 << 20
FILE_MODE = "0644"
SEED_DIRECTORY = f"{RUN_DIRECTORY}/seed"
PLAN_PATH = f"{SEED_DIRECTORY}/plan"


def seed_plan(agent: Agent) -> str:
    """Return the plan's text, one step a line; empty without config files."""
    files = sorted(agent.config_files, key=lambda file: file.path)
    implicit = [place.path for place in places(agent) if place.implicit]
    lines: list[tuple[str, ...]]
    lines = [("fill", path, seed_root(agent, path), str(FILL_LIMIT_BYTES)) for path in implicit]
    for index, file in enumerate(files):
        relative = file.path[len(file.root.rstrip("/")) + 1 :]
        source = f"{SEED_DIRECTORY}/{index}"
        lines.append(("file", seed_root(agent, file.root), relative, source, FILE_MODE))
    return "".join("\t".join(map(_escape, line)) + "\n" for line in lines)


def seed_files(agent: Agent) -> dict[str, str]:
    """Return the contents that the plan's sources name."""
    files = sorted(agent.config_files, key=lambda file: file.path)
    return {str(index): file.content for index, file in enumerate(files)}


def _escape(field: str) -> str:
    return field.replace("%", "%25").replace("\t", "%09").replace("\n", "%0A")
