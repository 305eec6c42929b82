"""Laws of the definitions for a cluster: structural, complete, bounded; every rule has its twin."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from pydantic import AfterValidator
from pydantic.fields import FieldInfo
from tests.unit.api.test_models import MODELS

from pai.api import KINDS
from pai.api.crd import DEFINED_KINDS, DIFFERENCES, custom_resource_definition
from pai.api.model import CEL_RULES, ApiModel, Twin, wire_name
from pai.api.wording import nested_model
from pai.reconcile.status import AgentStatus

Schema = dict[str, Any]
WORDS = {
    "additionalProperties",
    "default",
    "description",
    "enum",
    "exclusiveMinimum",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-preserve-unknown-fields",
    CEL_RULES,
}
TYPES = {"array", "boolean", "integer", "number", "object", "string"}


def schema_of(kind: str) -> Schema:
    [version] = custom_resource_definition(kind)["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every node with its path."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from nodes(part, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if word in schema:
            yield from nodes(schema[word], f"{path}[]")


@pytest.mark.parametrize("kind", DEFINED_KINDS)
def test_every_node_is_structural(kind: str) -> None:
    """Source: the rules of structural schemas in Kubernetes' documentation."""
    for path, node in nodes(schema_of(kind)):
        assert set(node) <= WORDS, path
        if "x-kubernetes-int-or-string" in node:
            assert "type" not in node, path
        else:
            assert node["type"] in TYPES, path
        assert not ("properties" in node and "additionalProperties" in node), path
        assert ("items" in node) == (node.get("type") == "array"), path
        assert set(node.get("required", ())) <= set(node.get("properties", ())), path
        assert node.get("exclusiveMinimum") in (None, True), path
        assert "default" not in node or path, path
        if path == ".metadata":
            assert node == {"type": "object"}, path


@pytest.mark.parametrize("kind", DEFINED_KINDS)
def test_lists_are_merged_by_fields_that_are_always_there(kind: str) -> None:
    for path, node in nodes(schema_of(kind)):
        keys = node.get("x-kubernetes-list-map-keys", [])
        way = node.get("x-kubernetes-list-type")
        assert bool(keys) == (way == "map"), path
        for key in keys:
            assert key in node["items"]["required"], path
            assert node["items"]["properties"][key]["type"] == "string", path
        if way == "set":
            assert node["items"]["type"] == "string", path


def is_bounded(node: Schema) -> bool:
    """Say whether the largest value of a node is known; the cost of rules is counted by it."""
    if "enum" in node or "x-kubernetes-preserve-unknown-fields" in node:
        return True
    bound = {"array": "maxItems", "string": "maxLength", "integer": "maximum"}
    if "additionalProperties" in node:
        return "maxProperties" in node
    if "x-kubernetes-int-or-string" in node:
        return "maxLength" in node
    return node["type"] not in bound or bound[node["type"]] in node


@pytest.mark.parametrize("kind", DEFINED_KINDS)
def test_what_people_write_is_bounded_and_described(kind: str) -> None:
    for path, node in nodes(schema_of(kind)):
        if path.startswith(".spec"):
            assert is_bounded(node), path
            is_field = not path.endswith("[]")
            assert not is_field or node["description"], path
        if path.startswith(".status"):
            assert "default" not in node, path


# What RE2 has not: looking around and going back.
_FOREIGN = re.compile(r"\(\?(?:[=!]|<[=!])|\\[1-9]")


@pytest.mark.parametrize("kind", DEFINED_KINDS)
def test_rules_are_readable_and_point_to_a_field(kind: str) -> None:
    for path, node in nodes(schema_of(kind)):
        assert not _FOREIGN.search(node.get("pattern", "")), path
        for rule in node.get(CEL_RULES, ()):
            assert "self" in rule["rule"], path
            assert not _FOREIGN.search(rule["rule"]), path
            assert rule["message"].isprintable(), path
            assert len(rule["message"]) < 200, path
            found = node
            for name in rule.get("fieldPath", "").split(".")[1:]:
                found = found["properties"][name]


def parts(model: type[ApiModel], schema: Schema) -> Iterator[tuple[type[ApiModel], Schema]]:
    """Yield every model below one with the place of its schema."""
    yield model, schema
    for name, info in model.model_fields.items():
        part = schema["properties"][wire_name(name)]
        nested = nested_model(info.annotation)
        if nested is not None:
            yield from parts(nested, part.get("items", part))


def all_parts() -> Iterator[tuple[type[ApiModel], Schema]]:
    for kind in DEFINED_KINDS:
        model = KINDS[kind].model
        for name in ("spec", "status"):
            nested = nested_model(model.model_fields[name].annotation)
            if nested is not None:
                yield from parts(nested, schema_of(kind)["properties"][name])


@pytest.mark.parametrize(("model", "schema"), list(all_parts()))
def test_every_field_and_every_rule_is_there(model: type[ApiModel], schema: Schema) -> None:
    fields = {wire_name(name): info for name, info in model.model_fields.items()}
    assert set(schema["properties"]) == set(fields)
    needed = {name for name, info in fields.items() if info.is_required()}
    assert set(schema.get("required", ())) == needed
    assert [rule.wire() for rule in model.cel_rules] == schema.get(CEL_RULES, [])


def checked(annotation: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the annotations of every type, in a field's type, that a function checks."""
    if get_origin(annotation) is Annotated:
        words = annotation.__metadata__
        if any(isinstance(word, AfterValidator) for word in words):
            yield words
    for inner in get_args(annotation):
        yield from checked(inner)


def has_twin(words: tuple[Any, ...]) -> bool:
    """Say whether the API server is told of a check: by rules, the way of a list, a pattern."""
    extras = [word.json_schema_extra for word in words if isinstance(word, FieldInfo)]
    patterns = any(isinstance(extra, dict) and "pattern" in extra for extra in extras)
    return patterns or any(isinstance(word, Twin) for word in words)


SPECS = [model for model in MODELS if model.__name__ not in {"Metadata", "Secret"}]


@pytest.mark.parametrize("model", SPECS)
def test_every_check_of_a_field_has_its_twin(model: type[ApiModel]) -> None:
    for name, annotation in get_type_hints(model, include_extras=True).items():
        for words in checked(annotation):
            assert has_twin(words) or _outer_has_twin(annotation), name


def _outer_has_twin(annotation: Any) -> bool:
    return get_origin(annotation) is Annotated and has_twin(annotation.__metadata__)


def test_the_status_of_the_wire_is_the_status_of_the_schema() -> None:
    schema = schema_of("AgentWorkload")["properties"]["status"]
    written = {field.encode_name for field in msgspec.structs.fields(AgentStatus)}
    assert written == set(schema["properties"])
    assert "required" not in schema


def test_a_definition_is_the_same_each_time() -> None:
    for kind in DEFINED_KINDS:
        assert custom_resource_definition(kind) == custom_resource_definition(kind)
    assert set(KINDS) - set(DEFINED_KINDS) == {"Secret"}


def test_every_difference_is_told_in_full() -> None:
    assert {difference.kind for difference in DIFFERENCES} <= {"all", *DEFINED_KINDS}
    assert all(all(difference) for difference in DIFFERENCES)
