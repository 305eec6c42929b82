"""Laws of translation: order does not matter, nothing is lost, names never clash."""

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.resource_strategies import (
    AGENTS,
    MODEL_SPEC,
    PROVIDER_SPEC,
    resource,
)

from pai.api import AgentWorkload, ModelBinding, Provider, validate
from pai.api.paths import within
from pai.ir.settings import Settings
from pai.translate import References, Translation, host_id, translate

LAW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
UNORDERED = ("providers", "volumes", "configFiles", "env", "expose")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, Any], References]:
    """Return an agent with some, or all, of what it names."""
    data = draw(AGENTS)
    named_models = data["spec"].get("modelBindings", [])
    named_providers = data["spec"].get("providers", [])
    bindings: dict[str, ModelBinding] = {}
    providers: dict[str, Provider] = {}
    secrets: dict[str, list[str]] = {}
    present = draw(st.floats(0, 1)) > 0.3
    for name in named_models if present else named_models[1:]:
        item = draw(resource("ModelBinding", "spec", MODEL_SPEC))
        binding = validate({**item, "metadata": {"name": name}})
        assert isinstance(binding, ModelBinding)
        bindings[name] = binding
        wanted = binding.spec.api_key_secret_ref
        if wanted is not None and present:
            secrets[wanted.name] = [wanted.key]
    for name in named_providers if present else named_providers[1:]:
        item = draw(resource("Provider", "spec", PROVIDER_SPEC))
        provider = validate({**item, "metadata": {"name": name}})
        assert isinstance(provider, Provider)
        providers[name] = provider
        if provider.spec.auth.secret_ref is not None and present:
            secrets.setdefault(provider.spec.auth.secret_ref, []).append("token")
    return data, References(bindings, providers, secrets)


def translated(data: dict[str, Any], references: References) -> Translation:
    agent = validate(data)
    assert isinstance(agent, AgentWorkload)
    return translate(agent, references, Settings(), "abcdef")


@LAW
@given(world=worlds(), seed=st.integers(0, 2**32))
def test_order_does_not_matter(world: tuple[dict[str, Any], References], seed: int) -> None:
    data, references = world
    shuffled = {**data, "spec": dict(data["spec"])}
    shuffle = random.Random(seed).shuffle
    for name in UNORDERED:
        if name in shuffled["spec"]:
            items = list(shuffled["spec"][name])
            shuffle(items)
            shuffled["spec"][name] = items
    turned = References(
        dict(reversed(list(references.bindings.items()))),
        dict(reversed(list(references.providers.items()))),
        dict(reversed(list(references.secret_keys.items()))),
    )
    first, second = translated(data, references), translated(shuffled, turned)
    assert first.agent == second.agent
    assert len(first.faults) == len(second.faults)
    assert len(first.missing) == len(second.missing)


@LAW
@given(world=worlds())
def test_an_agent_comes_out_exactly_when_nothing_stands_in_its_way(
    world: tuple[dict[str, Any], References],
) -> None:
    data, references = world
    result = translated(data, references)
    assert (result.agent is None) == bool(result.faults or result.missing)
    if result.agent is None:
        return
    spec = data["spec"]
    agent = result.agent
    assert [model.name for model in agent.models] == spec.get("modelBindings", [])
    assert sorted(spec.get("providers", [])) == [item.name for item in agent.providers]
    assert {file.path for file in agent.config_files} == {
        file["path"] for file in spec.get("configFiles", [])
    }
    assert all(within(file.path, file.root) for file in agent.config_files)
    roots = {file.root for file in agent.config_files}
    assert not any(a != b and within(a, b) for a in roots for b in roots)
    assert dict(agent.env) == {item["name"]: item["value"] for item in spec.get("env", [])}


@LAW
@given(
    names=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=20, unique=True),
    seed=st.binary(min_size=1, max_size=32),
)
def test_host_ids_are_dns_labels_of_their_own(names: list[tuple[str, str]], seed: bytes) -> None:
    hexed = [(f"n{one.encode().hex()}", other.encode().hex()) for one, other in names]
    labels = [host_id(namespace, name, seed) for namespace, name in hexed]
    assert len(set(labels)) == len(names)
    assert labels == [host_id(namespace, name, seed) for namespace, name in hexed]
    for label in labels:
        assert len(label) == 6
        assert label.isascii()
        assert label.isalnum()
        assert label[0].isalpha()
        assert label == label.lower()
