"""One folder a case: agent.json, and what becomes of it in an engine. A new case needs no code."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tests.golden.conftest import Golden

from pai.ir.agent import Agent
from pai.render.containers import Facts, render

CASES = Path(__file__).parent / "containers"
FACTS = Facts(
    instance="a1b2c3d4",
    image="localhost/pai:latest",
    network="pai-a1b2c3d4",
    ca_pem="-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n",
    url="http://agent.localhost:8090",
    dummies=(("GITHUB_TOKEN", "ghp_dummy"), ("OPENAI_API_KEY", "sk-dummy")),
    bootstrap_version="1",
)


class _Plain(yaml.SafeDumper):
    """Repeat what is shared: a reader should not have to follow anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_every_agent_renders_as_recorded(case: Path, golden: Golden) -> None:
    agent = msgspec.json.decode((case / "agent.json").read_bytes(), type=Agent)
    objects = msgspec.to_builtins(render(agent, FACTS))
    text = yaml.dump_all(objects, Dumper=_Plain, sort_keys=False, width=100, allow_unicode=True)
    golden.check(case / "out.yaml", text)
