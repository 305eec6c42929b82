"""`-o json|yaml|name`: resources as data."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pai.cli.kinds import kind_of
from pai.cli.output.resource import Resource, name_of, text


class Output(StrEnum):
    """Shapes an answer can be shown in."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


def as_json(value: Any) -> str:
    """Return `value` as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def as_yaml(value: Any) -> str:
    """Return `value` as YAML, keys in their own order."""
    from pai.api.yaml_text import dump_yaml  # loading the models takes long; few commands need it

    return dump_yaml(value)


def as_names(resources: Sequence[Resource]) -> str:
    """Return one `kind/name` line a resource."""
    return "".join(f"{qualified(item)}\n" for item in resources)


def qualified(resource: Resource) -> str:
    """Return `kind/name`, as `apply` prints it and `-o name` lists it."""
    return f"{text(resource, 'kind').lower()}/{name_of(resource)}"


def serialised(value: Any, output: Output) -> str:
    """Return `value` as `output`, which is not a table.

    value: a resource, or an API list with `items`.
    """
    if output is Output.NAME:
        return as_names(value.get("items", [value]))
    return as_yaml(value) if output is Output.YAML else as_json(value)


def noun_of(api_kind: str) -> str:
    """Return the command line's word for an API kind."""
    kind = kind_of(api_kind)
    return kind.noun if kind else api_kind.lower()
