"""The base of every resource model: camelCase on the wire, unknown fields refused, frozen."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, Strict, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from pai.api.fault import Problem, all_wrong

# A word that keeps its capitals on the wire.
_CAPITALS = {"Cidrs": "CIDRs"}


CEL_RULES = "x-kubernetes-validations"


class Cel(NamedTuple):
    """A rule as the Kubernetes API server checks it, twin of a validator.

    message: the same as the validator's. field: whose fault it is, below the rule's place, by
    wire names. hint: the way out.
    """

    rule: str
    message: str
    field: tuple[str, ...] = ()
    hint: str | None = None

    def wire(self) -> dict[str, str]:
        """Return the rule as a schema of the cluster holds it."""
        text = self.message if self.hint is None else f"{self.message}; {self.hint}"
        place = {"fieldPath": "".join(f".{part}" for part in self.field)} if self.field else {}
        return {"rule": self.rule, "message": text, **place}


class Twin:
    """Stands beside a validator in a field's type: what the API server checks in its place.

    words: further words of the cluster's schema, by their names without `x-kubernetes-`, `_` for
    `-`.
    """

    def __init__(self, *rules: Cel, **words: Any) -> None:
        self.rules = rules
        self.words = {f"x-kubernetes-{k.replace('_', '-')}": v for k, v in words.items()}

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Add the rules to the schema of the type; other readers of it skip them."""
        schema = {**handler(core), **self.words}
        if self.rules:
            schema[CEL_RULES] = [*schema.get(CEL_RULES, ()), *(rule.wire() for rule in self.rules)]
        return schema


def wire_name(name: str) -> str:
    """Return the wire spelling of a Python field name: `allow_cidrs` is `allowCIDRs`."""
    camel = to_camel(name)
    for usual, wanted in _CAPITALS.items():
        camel = camel.replace(usual, wanted)
    return camel


class ApiModel(BaseModel):
    """A part of a resource as written.

    Documents are read by wire names only (`pai.api.validation` asks for that); code may also
    build a part by its Python names. Lists are tuples, so that a resource is immutable.
    """

    model_config = ConfigDict(
        alias_generator=wire_name,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
        validate_by_alias=True,
        validate_by_name=True,
    )
    cel_rules: ClassVar[tuple[Cel, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _empty_optional_fields_are_absent(cls, data: object) -> object:
        """Drop `field:` with nothing behind it, as people write when all its items are comments."""
        if not isinstance(data, Mapping):
            return data
        optional = {
            info.alias or name for name, info in cls.model_fields.items() if not info.is_required()
        }
        return {k: v for k, v in data.items() if v is not None or k not in optional}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Add the rules over several fields to the model's schema."""
        schema = handler(core)
        if cls.cel_rules:
            handler.resolve_ref_schema(schema)[CEL_RULES] = [rule.wire() for rule in cls.cel_rules]
        return schema

    def judged(self, broken: Sequence[bool]) -> Self:
        """Return self unless a rule is broken. broken: one for each of `cel_rules`."""
        problems = [
            Problem(rule.message, rule.hint, rule.field)
            for rule, bad in zip(self.cel_rules, broken, strict=True)
            if bad
        ]
        if problems:
            raise all_wrong(problems)
        return self

    def to_wire(self) -> dict[str, Any]:
        """Return the fields that were set, by wire names, ready for JSON or YAML."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def replaced(self, **changes: object) -> Self:
        """Return a copy with the given fields (Python names) changed; values are not validated."""
        return self.model_copy(update=changes)  # marks them as set


# JSON has lists; a strict tuple would refuse them. The items stay strict.
AsList = Strict(False)
