from pathlib import Path

from tests.fakes.platform_api import FakeControl

from pai.cli.completions import agent_names, context_names, nouns, nouns_plural


def test_names_that_begin_so(control: FakeControl) -> None:
    for name in ("beta", "alpha", "gamma"):
        control.put("agentworkloads", {"kind": "AgentWorkload", "metadata": {"name": name}})
    assert agent_names("") == ["alpha", "beta", "gamma"]
    assert agent_names("al") == ["alpha"]
    assert context_names("te") == ["test"]
    assert nouns("s") == ["service", "secret"]
    assert nouns_plural("a") == ["agents"]


def test_without_a_platform_there_are_no_names(home: Path) -> None:
    assert agent_names("") == []
    assert context_names("") == []
    (home).mkdir()
    (home / "config.json").write_text("broken")
    assert context_names("") == []
