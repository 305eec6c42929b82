"""One folder a case: an agent, and what becomes of it on a cluster. A new case needs no code.

agent.json: the agent; where there is none, that of the case of the same name for containers.
facts.json: fields of Facts that differ from the usual.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tests.golden.conftest import Golden

from pai.ir.agent import Agent
from pai.render.kubernetes import Facts, render

HERE = Path(__file__).parent
CASES = HERE / "kubernetes"
USUAL = {
    "instance": "a1b2c3d4",
    "image": "registry.example/pai:1",
    "ca_pem": "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n",
    "url": "https://agent.example.com",
    "dummies": [["GITHUB_TOKEN", "ghp_dummy"], ["OPENAI_API_KEY", "sk-dummy"]],
    "bootstrap_version": "1",
    "cluster_ranges": ["10.244.0.0/16", "10.96.0.0/12"],
}


class _Plain(yaml.SafeDumper):
    """Repeat what is shared: a reader should not have to follow anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def agent_of(case: Path) -> Agent:
    own = case / "agent.json"
    path = own if own.exists() else HERE / "containers" / case.name / "agent.json"
    return msgspec.json.decode(path.read_bytes(), type=Agent)


def facts_of(case: Path) -> Facts:
    path = case / "facts.json"
    different = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    return msgspec.convert({**USUAL, **different}, Facts)


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_every_agent_renders_as_recorded(case: Path, golden: Golden) -> None:
    objects = render(agent_of(case), facts_of(case))
    text = yaml.dump_all(objects, Dumper=_Plain, sort_keys=False, width=100, allow_unicode=True)
    golden.check(case / "out.yaml", text)
