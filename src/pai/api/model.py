"""The base of every resource model: camelCase on the wire, unknown fields refused, frozen."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Strict, model_validator
from pydantic.alias_generators import to_camel

# A word that keeps its capitals on the wire.
_CAPITALS = {"Cidrs": "CIDRs"}


class Cel(NamedTuple):
    """A cross-field rule as the Kubernetes API server checks it, twin of a validator."""

    rule: str
    message: str


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

    def to_wire(self) -> dict[str, Any]:
        """Return the fields that were set, by wire names, ready for JSON or YAML."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def replaced(self, **changes: object) -> Self:
        """Return a copy with the given fields (Python names) changed; values are not validated."""
        return self.model_copy(update=changes)  # marks them as set


# JSON has lists; a strict tuple would refuse them. The items stay strict.
AsList = Strict(False)
