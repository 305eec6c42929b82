"""Coding agents, unchanged, with every vendor: each is to change a file as its model says."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

import pytest
from tests.clients.coding_agents import AFTER, AGENTS, DONE, PACKAGES, Worked, work
from tests.clients.conftest import MODELS, snapshot, vendors
from tests.e2e.gateway_stage import TOKEN, stage

from pai.ir.ledger import Usage

pytestmark = pytest.mark.timeout(900)  # the first one waits for all agents

# aider sends a temperature unless it knows by the name that its model takes none.
ASKED = {("aider", "reasoner"): MODELS["reasoner"][1]}
NATIVE = {
    "claude-code": {"anthropic"},
    "codex": {"openai", "reasoner"},
    "codex-own-provider": {"openai", "reasoner"},
    "gemini-cli": {"gemini"},
    "aider": {"openai", "reasoner", "openrouter"},
}
_CODEX = {"client_metadata", "prompt_cache_key", "tools.web_search"}
ADVICE: dict[str, set[str]] = {
    "claude-code": {
        "anthropic-beta",
        "cache_control",
        "context_management",
        "metadata",
        "tools.defer_loading",
        "x-anthropic-billing-header",
    },
    "codex": _CODEX | {"input.internal_chat_message_metadata_passthrough"},
    "codex-own-provider": _CODEX,
    "gemini-cli": set(),
    "aider": set(),
}
# What a model has no place for, beside that.
MORE = {
    ("claude-code", "openai"): {"reasoning"},
    ("claude-code", "openrouter"): {"reasoning"},
    ("gemini-cli", "openai"): {"top_k"},
    ("gemini-cli", "openrouter"): {"top_k"},
    ("gemini-cli", "reasoner"): {"temperature", "top_k", "top_p"},
    ("gemini-cli", "anthropic"): {"reasoning"},
}


class Tried(NamedTuple):
    """What all agents did with all models. seen: what the vendors got. usage: by model."""

    worked: dict[tuple[str, str], Worked]
    seen: list[dict[str, Any]]
    usage: dict[str, Usage]
    logs: str


def _runs_here(agent: str) -> list[pytest.MarkDecorator]:
    old = "aider is made for Python 3.12 and older"
    return [pytest.mark.skipif(sys.version_info >= (3, 13), reason=old)] if agent == "aider" else []


CASES = [
    pytest.param(agent, model, marks=_runs_here(agent)) for agent in AGENTS for model in MODELS
]


async def _work(data: Path) -> Tried:
    agents = [name for name in AGENTS if name != "aider" or sys.version_info < (3, 13)]
    async with vendors() as ports, stage(data, lambda _: snapshot(ports)) as running:
        worked = {}
        for name in agents:
            for model in MODELS:
                asked = ASKED.get((name, model), model)
                home = data / f"{name}-{model}"
                worked[name, model] = await work(AGENTS[name], asked, running.port, home)
        url = f"http://127.0.0.1:{ports['openai']}/_requests"
        with await asyncio.to_thread(urlopen, url) as answer:
            seen = json.load(answer)
        await running.stop_worker(0)  # what it has metered is settled
        rows = {row.model.partition("/")[2]: row for row in running.control.ledger.usage()}
        return Tried(worked, seen, rows, running.logs())


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """Let every agent work with every model, one after the other."""
    assert PACKAGES.exists(), "make test sets up build/clients; or run scripts/clients.sh"
    return asyncio.run(_work(tmp_path_factory.mktemp("agents")))


@pytest.mark.parametrize(("agent", "model"), CASES)
def test_every_agent_works_with_every_vendor(agent: str, model: str, tried: Tried) -> None:
    found = tried.worked[agent, model]
    assert found.outcome.code == 0, found.outcome.errors[-3000:]
    assert found.notes == AFTER
    assert DONE in found.outcome.output


@pytest.mark.parametrize(("agent", "model"), CASES)
def test_little_that_an_agent_asks_is_refused(agent: str, model: str, tried: Tried) -> None:
    answers = tried.worked[agent, model].outcome.answers
    refused = [each.status for each in answers if each.status != 200]
    if agent == "codex":  # it asks for a WebSocket first, and once
        assert refused == [answers[0].status] == [426]
    elif agent == "gemini-cli" and model != "gemini":  # the search is Google's
        assert refused == [400]
    else:
        assert refused == []
    assert {each.model for each in answers if each.status == 200} == {model}


@pytest.mark.parametrize(("agent", "model"), CASES)
def test_advice_of_an_agent_is_named(agent: str, model: str, tried: Tried) -> None:
    answers = tried.worked[agent, model].outcome.answers
    dropped = {name for each in answers for name in each.dropped}
    if model in NATIVE[agent]:
        assert dropped == set()
    else:
        assert dropped == ADVICE[agent] | MORE.get((agent, model), set())


@pytest.mark.parametrize("model", MODELS)
def test_what_agents_use_is_metered(model: str, tried: Tried) -> None:
    answered = [
        each
        for (_, used), worked in tried.worked.items()
        for each in worked.outcome.answers
        if used == model and each.status == 200
    ]
    usage = tried.usage[model]
    assert (usage.requests, usage.estimated) == (len(answered), 0)
    assert usage.input > 1000 * len(AGENTS)  # their prompts are long
    assert usage.output > 0


def test_agents_hold_no_key_and_vendors_no_token(tried: Tried) -> None:
    for worked in tried.worked.values():
        assert "sk-canary" not in worked.outcome.output + worked.outcome.errors
    sent = json.dumps(tried.seen)
    assert TOKEN not in sent
    assert "PaiDummy" not in sent
    assert "sk-canary" not in tried.logs
