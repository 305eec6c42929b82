"""Bring a JSON schema into the part of the language that Anthropic enforces.

What it can't enforce is told to the model in the description, as Anthropic's own SDKs do.
Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from typing import TypeAlias

import msgspec
from msgspec import Raw

from pai.dialect.refused import BadRequestError, UnsupportedError

_Json: TypeAlias = "dict[str, _Json] | list[_Json] | str | float | int | bool | None"
_Object = dict[str, _Json]

_KEPT = frozenset(
    {
        *("type", "enum", "const", "title", "description", "default", "required", "$ref"),
        *("properties", "items", "anyOf", "oneOf", "allOf", "$defs", "definitions"),
        "additionalProperties",
    }
)
_IGNORED = frozenset({"$schema", "$id", "$comment", "examples"})
_FORMATS = frozenset(
    {
        *("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6"),
        "uuid",
    }
)
_MOST_DEPTH = 100
_LISTS = ("anyOf", "allOf")
_MAPS = ("properties", "$defs", "definitions")
_schemas = msgspec.json.Decoder(dict[str, object])


class Enforced(msgspec.Struct):
    """Turns schemas; told: names of what is told to the model instead of enforced.

    param: the field to name when a schema can't be turned.
    """

    param: str
    told: set[str] = set()

    def turn(self, schema: Raw) -> _Object:
        """Return an enforceable schema. Raises BadRequestError, UnsupportedError."""
        try:
            return self._turn(msgspec.json.decode(schema), 0)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadRequestError(f"a schema is not JSON: {error}", self.param) from error

    def _turn(self, schema: _Json, depth: int) -> _Object:
        if depth > _MOST_DEPTH:
            raise BadRequestError("a schema is nested too deeply", self.param)
        if not isinstance(schema, dict):
            raise UnsupportedError(
                "Anthropic can't enforce a schema that allows anything", self.param
            )
        turned: _Object = {name: schema[name] for name in schema if _is_kept(name, schema[name])}
        told = [name for name in schema if name not in turned and name not in _IGNORED]
        if "oneOf" in turned:
            turned["anyOf"] = turned.pop("oneOf")
        self._turn_inner(turned, depth + 1)
        if _is_object(turned):
            self._close(turned)
        if told:
            self._tell(turned, schema, told)
        return turned

    def _turn_inner(self, turned: _Object, depth: int) -> None:
        for name in _LISTS:
            if isinstance(each := turned.get(name), list):
                turned[name] = [self._turn(one, depth) for one in each]
        for name in _MAPS:
            if isinstance(each := turned.get(name), dict):
                turned[name] = {key: self._turn(one, depth) for key, one in each.items()}
        if "items" in turned:
            turned["items"] = self._turn(turned["items"], depth)

    def _close(self, turned: _Object) -> None:
        """Allow no properties but those that are named; a mapping of any names can't be."""
        others = turned.get("additionalProperties", True)
        if isinstance(others, dict) or (others is not False and not turned.get("properties")):
            raise UnsupportedError(
                "Anthropic can't enforce a schema for objects with any names in them", self.param
            )
        turned["additionalProperties"] = False

    def _tell(self, turned: _Object, schema: _Object, told: list[str]) -> None:
        self.told.update(f"schema.{name}" for name in told)
        rest = {name: schema[name] for name in told}
        text = turned.get("description")
        before = f"{text}\n\n" if isinstance(text, str) else ""
        turned["description"] = before + msgspec.json.encode(rest).decode()


def _is_kept(name: str, value: _Json) -> bool:
    if name == "format":
        return isinstance(value, str) and value in _FORMATS
    if name == "minItems":
        return value in (0, 1)
    return name in _KEPT


def _is_object(schema: _Object) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def object_schema(schema: Raw) -> Raw:
    """Return a tool's schema as Anthropic demands it: of an object, even if it has no fields."""
    if not schema:
        return Raw(b'{"type":"object","properties":{}}')
    try:
        fields = _schemas.decode(schema)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequestError(f"a tool's schema is not an object: {error}", "tools") from error
    if fields.get("type") == "object":
        return schema
    return Raw(msgspec.json.encode({**fields, "type": "object"}))
