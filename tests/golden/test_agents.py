"""One folder a case: in.yaml, then either out.json or error.txt. A new case needs no code."""

from pathlib import Path

import msgspec
import pytest
from tests.golden.conftest import Golden

from pai.api import DocumentErrors, ModelBinding, Provider, Resource, Secret, parse
from pai.api.agentworkload import AgentWorkload
from pai.ir.settings import Settings
from pai.translate import References, Translation, apply_warnings, host_id, translate

AGENTS = Path(__file__).parent / "agents"
SEED = bytes(32)


def references(resources: list[Resource]) -> References:
    return References(
        {item.name: item for item in resources if isinstance(item, ModelBinding)},
        {item.name: item for item in resources if isinstance(item, Provider)},
        {item.name: sorted(item.string_data) for item in resources if isinstance(item, Secret)},
    )


def outcome(resources: list[Resource]) -> dict[str, object]:
    """Return what becomes of each agent, and every warning."""
    known = references(resources)
    agents: dict[str, object] = {}
    for agent in resources:
        if isinstance(agent, AgentWorkload):
            label = host_id(agent.namespace, agent.name, SEED)
            agents[agent.name] = told(translate(agent, known, Settings(), label))
    warnings = {
        f"{item.kind}/{item.name}": found for item in resources if (found := apply_warnings(item))
    }
    return {"agents": agents, "applyWarnings": warnings}


def told(result: Translation) -> dict[str, object]:
    parts = {
        "agent": result.agent,
        "faults": [[str(error), error.hint] for error in result.faults],
        "missing": [[str(error), error.hint] for error in result.missing],
        "warnings": result.warnings,
        "ignored": result.ignored,
    }
    return {name: part for name, part in parts.items() if part}


@pytest.mark.parametrize("case", sorted(AGENTS.iterdir()), ids=lambda case: case.name)
def test_every_case_is_read_as_recorded(case: Path, golden: Golden) -> None:
    out, error_text = case / "out.json", case / "error.txt"
    try:
        resources = parse((case / "in.yaml").read_bytes(), "in.yaml")
    except DocumentErrors as error:
        hint = f"hint: {error.hint}\n" if error.hint else ""
        golden.check(error_text, f"{error}\n{hint}")
        assert not out.exists(), f"{out} is of a time before the fault"
        return
    text = msgspec.json.format(msgspec.json.encode(outcome(resources)), indent=2).decode() + "\n"
    golden.check(out, text)
    assert not error_text.exists(), f"{error_text} is of a time with a fault"
