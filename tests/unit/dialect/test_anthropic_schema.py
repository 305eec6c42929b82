import json
from typing import Any

import pytest
from msgspec import Raw

from pai.dialect.anthropic.schema import Enforced, object_schema
from pai.dialect.refused import BadRequestError, UnsupportedError


def raw(schema: Any) -> Raw:
    return Raw(json.dumps(schema).encode())


def turned(schema: Any) -> tuple[Any, list[str]]:
    enforced = Enforced("response_format")
    return enforced.turn(raw(schema)), sorted(enforced.told)


def closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def test_what_can_be_enforced_stays_as_it_is() -> None:
    schema = {
        **closed(a={"type": "string", "format": "date"}, b={"$ref": "#/$defs/B"}),
        "required": ["a"],
        "title": "T",
        "description": "D",
        "$defs": {"B": {"type": ["integer", "null"], "enum": [1, None]}},
    }
    assert turned(schema) == (schema, [])


def test_objects_are_closed_at_every_depth() -> None:
    inner = {"type": "object", "properties": {"x": {"type": "integer"}}}
    schema = {
        "type": ["object", "null"],
        "properties": {"list": {"type": "array", "items": inner}, "any": {"oneOf": [inner]}},
        "additionalProperties": True,
        "allOf": [inner],
        "$schema": "https://json-schema.org/draft/2020-12/schema",
    }
    shut = closed(x={"type": "integer"})
    assert turned(schema) == (
        {
            "type": ["object", "null"],
            "properties": {"list": {"type": "array", "items": shut}, "any": {"anyOf": [shut]}},
            "additionalProperties": False,
            "allOf": [shut],
        },
        [],
    )


def test_what_can_not_be_enforced_is_told_and_named() -> None:
    number = {"type": "integer", "minimum": 1, "maximum": 9, "description": "how many"}
    schema = closed(
        a=number,
        b={"type": "string", "format": "ipv9", "maxLength": 5},
        e={"type": "string", "format": ["date"]},
        c={"type": "array", "items": {"type": "string"}, "minItems": 1},
        d={"type": "array", "items": {"type": "string"}, "minItems": 2},
    )
    assert turned(schema) == (
        closed(
            a={"type": "integer", "description": 'how many\n\n{"minimum":1,"maximum":9}'},
            b={"type": "string", "description": '{"format":"ipv9","maxLength":5}'},
            e={"type": "string", "description": '{"format":["date"]}'},
            c={"type": "array", "items": {"type": "string"}, "minItems": 1},
            d={
                "type": "array",
                "items": {"type": "string"},
                "description": '{"minItems":2}',
            },
        ),
        [
            "schema.format",
            "schema.maxLength",
            "schema.maximum",
            "schema.minItems",
            "schema.minimum",
        ],
    )


def test_an_object_without_properties_may_be_meant() -> None:
    assert turned(closed()) == (closed(), [])


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"type": "object"},
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        closed(a={"type": "object", "additionalProperties": True}),
    ],
)
def test_what_allows_anything_can_not_be_enforced(schema: Any) -> None:
    with pytest.raises(UnsupportedError) as refused:
        turned(schema)
    assert refused.value.param == "response_format"


@pytest.mark.parametrize(
    "schema",
    [b"", b"{", b'{"a":' * 20_000, b'{"items":' * 200 + b"{}" + b"}" * 200],
)
def test_broken_schemas_are_refused(schema: bytes) -> None:
    with pytest.raises(BadRequestError):
        Enforced("tools").turn(Raw(schema))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (b"", {"type": "object", "properties": {}}),
        (b"{}", {"type": "object"}),
        (b'{"type":"object","x":1}', {"type": "object", "x": 1}),
        (b'{"type":null,"properties":{}}', {"type": "object", "properties": {}}),
        (b'{"type":["object","null"]}', {"type": "object"}),
    ],
)
def test_a_tool_takes_an_object(schema: bytes, expected: Any) -> None:
    assert json.loads(bytes(object_schema(Raw(schema)))) == expected


@pytest.mark.parametrize("schema", [b"true", b"[]", b"{", b"5"])
def test_a_tools_schema_is_an_object_itself(schema: bytes) -> None:
    with pytest.raises(BadRequestError) as refused:
        object_schema(Raw(schema))
    assert refused.value.param == "tools"
