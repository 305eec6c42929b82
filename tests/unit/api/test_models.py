"""Laws over all models: every field is described, spelled for the wire, and known by schema."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from pai.api import KINDS
from pai.api.agentworkload import AgentWorkloadSpec, CdpRelay
from pai.api.kinds import BY_NOUN, BY_PLURAL
from pai.api.model import ApiModel, Cel, wire_name
from pai.api.wording import field_names, model_at, nested_model, problems_of, what_it_is


def all_models() -> Iterator[type[ApiModel]]:
    waiting: list[type[ApiModel]] = [kind.model for kind in KINDS.values()]
    seen: set[type[ApiModel]] = set()
    while waiting:
        model = waiting.pop()
        if model in seen:
            continue
        seen.add(model)
        yield model
        for info in model.model_fields.values():
            nested = nested_model(info.annotation)
            if nested is not None:
                waiting.append(nested)


MODELS = sorted(all_models(), key=lambda model: model.__name__)


def test_there_are_many_models() -> None:
    assert len(MODELS) > 30


@pytest.mark.parametrize("model", MODELS)
def test_every_field_is_described(model: type[ApiModel]) -> None:
    for name, info in model.model_fields.items():
        assert info.description, f"{model.__name__}.{name}"
        assert info.description.endswith((".", "`")), f"{model.__name__}.{name}"


@pytest.mark.parametrize("model", MODELS)
def test_rules_for_the_cluster_have_a_message_each(model: type[ApiModel]) -> None:
    messages = [rule.message for rule in model.cel_rules]
    assert all(isinstance(rule, Cel) and "self" in rule.rule for rule in model.cel_rules)
    assert len(messages) == len(set(messages))
    checks = model.__pydantic_decorators__.model_validators
    after = [name for name, check in checks.items() if check.info.mode == "after"]
    assert bool(after) == bool(messages), f"{model.__name__}: a validator without its twin"


def test_wire_names() -> None:
    assert wire_name("allow_cidrs") == "allowCIDRs"
    assert wire_name("run_as_user") == "runAsUser"
    assert wire_name("max_tokens_per_day") == "maxTokensPerDay"
    assert wire_name("min_backoff_ms") == "minBackoffMs"


def test_code_may_build_parts_by_python_names() -> None:
    spec = AgentWorkloadSpec(image="x", run_as_user=5, cdp_relay=CdpRelay(token="t"))
    assert spec.to_wire() == {"image": "x", "runAsUser": 5, "cdpRelay": {"token": "t"}}
    assert spec.replaced(paused=True).to_wire()["paused"] is True


def test_a_part_is_a_mapping() -> None:
    with pytest.raises(ValidationError):
        AgentWorkloadSpec.model_validate(5)
    for kind in KINDS.values():
        with pytest.raises(ValidationError):
            kind.model.model_validate({"metadata": 5, "spec": 5})
        with pytest.raises(ValidationError):
            kind.model.model_validate(5)


def test_kinds_are_found_by_plural_and_noun() -> None:
    assert {entry.kind for entry in BY_PLURAL.values()} == set(KINDS)
    assert BY_NOUN["agent"] is BY_NOUN["agents"] is KINDS["AgentWorkload"]
    assert BY_NOUN["service"].kind == "Provider"


def test_models_are_found_by_path() -> None:
    agent = KINDS["AgentWorkload"].model
    found = model_at(agent, ("spec", "volumes", 3))
    assert found is not None
    assert field_names(found) == ["name", "mountPath", "size"]
    assert model_at(agent, ("spec", "nothing")) is None
    assert model_at(agent, ("spec", "image", "x")) is None
    assert model_at(agent, ("spec", "nothing", "x", "y")) is None


def test_a_finding_without_words_of_its_own_still_names_its_place() -> None:
    detail: Any = {"type": "new_in_pydantic", "loc": ("spec", "x"), "input": "canary", "msg": "?"}
    [problem] = problems_of(KINDS["Secret"].model, detail)
    assert (problem.path, problem.message) == (("spec", "x"), "is not valid here")


def test_values_are_named_as_people_see_them() -> None:
    values: list[object] = [None, True, 1, 1.5, "x", [], {}]
    named = [what_it_is(value) for value in values]
    assert named == [
        "empty",
        "true or false",
        "a number",
        "a number",
        "text",
        "a list",
        "a mapping",
    ]
