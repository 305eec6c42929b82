"""Schemas: Google's subset of OpenAPI's read as JSON schema, and JSON schema as Google takes it.

Google takes JSON schema as it is (`parametersJsonSchema`, `responseJsonSchema`) and passes over
keywords that it does not know; only what stands beside a `$ref` is refused, and `const` is not
among the keywords it knows.
Source: https://ai.google.dev/api/caching#Schema,
https://ai.google.dev/gemini-api/docs/structured-output
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.refused import BadRequestError

_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_UNSPECIFIED = "type_unspecified"
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_KEPT = ("title", "description", "pattern", "minimum", "maximum", "default", "required")
_ARGUMENTS = ("properties", "$ref", "anyOf", "oneOf", "allOf")
_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_CONSTANTS: Mapping[type, str] = {str: "string", int: "integer", float: "number"}
_TOO_DEEP = "a schema is nested too deeply"
_Json = dict[str, object]


def json_schema(schema: Raw) -> Raw:
    """Return one of Google's schemas as JSON schema; b"" when there is none.

    Raises BadRequestError.
    """
    if schema == NULL:
        return Raw(b"")
    try:
        return Raw(msgspec.json.encode(_standard(msgspec.json.decode(schema))))
    except RecursionError as error:
        raise BadRequestError(_TOO_DEEP) from error


def _standard(schema: object) -> _Json:
    if not isinstance(schema, dict):
        raise BadRequestError("a schema must be an object")
    kept = {name: schema[name] for name in _KEPT if schema.get(name) is not None}
    counts = {name: _whole(schema[name]) for name in _COUNTS if schema.get(name) is not None}
    standard: _Json = {**_kind(schema), **kept, **counts}
    if schema.get("format") not in (None, "enum"):
        standard["format"] = schema["format"]
    if schema.get("enum"):
        standard["enum"] = schema["enum"]
    if schema.get("example") is not None:
        standard["examples"] = [schema["example"]]
    standard.update(_inner(schema))
    return _or_null(standard) if schema.get("nullable") is True else standard


def _kind(schema: Mapping[str, object]) -> _Json:
    kind = str(schema.get("type") or _UNSPECIFIED).lower()
    if kind == _UNSPECIFIED:
        return {}
    if kind not in _TYPES:
        raise BadRequestError(f"a schema has no type '{schema['type']}'")
    return {"type": kind}


def _inner(schema: Mapping[str, object]) -> _Json:
    inner: _Json = {}
    if schema.get("items") is not None:
        inner["items"] = _standard(schema["items"])
    choices = schema.get("anyOf")
    if isinstance(choices, list):
        inner["anyOf"] = [_standard(each) for each in choices]
    for name, spelled in (("properties", "properties"), ("defs", "$defs")):
        found = schema.get(name)
        if isinstance(found, dict):
            inner[spelled] = {own: _standard(each) for own, each in found.items()}
    if schema.get("ref") is not None:
        inner["$ref"] = str(schema["ref"]).replace("#/defs/", "#/$defs/")
    more = schema.get("additionalProperties")
    if more is not None:
        inner["additionalProperties"] = more if isinstance(more, bool) else _standard(more)
    return inner


def _whole(value: object) -> int:
    """Return a count, which Google also writes as a string."""
    try:
        return int(str(value))
    except ValueError as error:
        raise BadRequestError(f"a schema's bound must be a whole number, not {value!r}") from error


def _or_null(schema: _Json) -> _Json:
    widened = dict(schema)
    if "type" in schema:
        widened["type"] = [schema["type"], "null"]
    if isinstance(widened.get("enum"), list):
        widened["enum"] = [*schema["enum"], None]  # type: ignore[misc]
    if isinstance(widened.get("anyOf"), list):
        widened["anyOf"] = [*schema["anyOf"], {"type": "null"}]  # type: ignore[misc]
    return widened


def googles(schema: Raw) -> Raw:
    """Return a JSON schema as Google takes it. Raises BadRequestError."""
    text = bytes(schema)
    if b'"$ref"' not in text and b'"const"' not in text:
        return schema
    try:
        return Raw(msgspec.json.encode(_taken(msgspec.json.decode(schema))))
    except RecursionError as error:
        raise BadRequestError(_TOO_DEEP) from error


def takes_arguments(schema: Raw) -> bool:
    """Say whether a schema of arguments has any; Google wants none for a function without."""
    if not schema:
        return False
    found = msgspec.json.decode(schema)
    if not isinstance(found, dict):
        return False
    more = found.get("additionalProperties")
    return isinstance(more, dict) or any(found.get(name) for name in _ARGUMENTS)


def _taken(schema: object) -> object:
    if isinstance(schema, list):
        return [_taken(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {name: _below(name, each) for name, each in schema.items() if name.startswith("$")}
    taken = {name: _below(name, each) for name, each in schema.items() if name != "const"}
    kind = _CONSTANTS.get(type(schema.get("const")))
    if kind is not None and "enum" not in taken:
        return {"type": kind, **taken, "enum": [schema["const"]]}
    return taken


def _below(name: str, value: object) -> object:
    if name in _MAPS and isinstance(value, dict):
        return {own: _taken(each) for own, each in value.items()}
    if name in ("enum", "default", "example", "examples", "required"):
        return value
    return _taken(value)
