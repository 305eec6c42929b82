"""docs/reference/fields.md: every field of every kind, from the models."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scripts.generators.schema_tree import Schema, schema_of

from pai.api import KINDS, http_scalars, network, paths, scalars
from pai.api.provider import AUTH_TYPES
from pai.translate import ENDPOINTS, PROVIDER_TYPES

_HEAD = """\
# Field reference

<!-- Made by `make generate` from pai.api; do not edit. -->

Every document has `apiVersion: pai.io/v1`, a `kind` and `metadata.name`. A field that is not listed
here is an error. A field with nothing behind it counts as left out. Schemas for editors, which also
hold the bounds of lists and texts: [schemas](schemas/). What a Kubernetes cluster makes of it:
[kinds on a cluster](crds.md). Fields without effect yet: [pending](pending.md). What conditions and
their reasons mean: [conditions](conditions.md).

"""
# How a format is named in the tables, and the check that explains it.
_FORMATS: dict[str, Callable[..., Any]] = {
    "cidr": network.cidr,
    "env-name": scalars.env_name,
    "glob": scalars.glob,
    "host": network.host,
    "host-pattern": network.host_pattern,
    "image": scalars.image,
    "json-path": scalars.json_path,
    "method": http_scalars.method,
    "name": scalars.name,
    "path": paths.absolute_path,
    "path-glob": http_scalars.path_glob,
    "secret-key": scalars.secret_key,
    "url": network.url,
}


def generate() -> dict[Path, str]:
    """Return the page."""
    kinds = "".join(_kind(kind) for kind in KINDS)
    text = _HEAD + _metadata() + kinds + _defaults() + _formats()
    return {Path("docs/reference/fields.md"): text}


def _metadata() -> str:
    schema = schema_of("Secret")
    return "## metadata\n\nThe same for every kind.\n\n" + _table(
        rows(schema["$defs"]["Metadata"], schema["$defs"], "metadata")
    )


def _kind(kind: str) -> str:
    schema = schema_of(kind)
    definitions = schema["$defs"]
    entry = KINDS[kind]
    text = f"## {kind}\n\n{schema['description'].splitlines()[0]} "
    text += f"Noun on the command line: `{entry.noun}`.\n\n"
    parts = {
        name: part
        for name, part in schema["properties"].items()
        if name not in ("apiVersion", "kind", "metadata", "status")
    }
    for name, part in parts.items():
        if "$ref" in part:
            text += _table(rows(_resolved(part, definitions), definitions, name))
        else:
            text += _table(iter([_row(name, part, required=True)]))
    if "$ref" in schema["properties"]["status"]:
        status = _resolved(schema["properties"]["status"], definitions)
        text += "### status\n\nWritten by the platform.\n\n"
        text += _table(rows(status, definitions, "status"))
    return text


def rows(schema: Schema, definitions: Schema, prefix: str) -> Iterator[str]:
    """Yield one table row a field, parents before their parts."""
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        path = f"{prefix}.{name}"
        yield _row(path, field, required=name in required)
        item = field.get("items", field)
        if "$ref" in item:
            below = f"{path}[]" if "items" in field else path
            yield from rows(_resolved(item, definitions), definitions, below)


def _row(path: str, field: Schema, *, required: bool) -> str:
    bounds = _bounds(field)
    text = field.get("description", "") + (f" {bounds}" if bounds else "")
    return f"| `{path}` | {_type(field)} | {_default(field, required)} | {text} |\n"


def _table(lines: Iterator[str]) -> str:
    return "| Field | Type | Default | Meaning |\n|---|---|---|---|\n" + "".join(lines) + "\n"


def _resolved(field: Schema, definitions: Schema) -> Schema:
    found: Schema = definitions[field["$ref"].rpartition("/")[2]]
    return found


def _type(field: Schema) -> str:
    if "items" in field:
        return f"{_type(field['items'])}[]"
    if "enum" in field:
        return " \\| ".join(f"`{word}`" for word in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "$ref" in field or field.get("type") == "object":
        values = field.get("additionalProperties")
        return "map of strings" if isinstance(values, dict) else "object"
    return str(field.get("format") or field["type"])


def _default(field: Schema, required: bool) -> str:
    if required:
        return "required"
    default = field.get("default")
    if default is None or isinstance(default, dict):
        return ""
    return f"`{json.dumps(default)}`"


def _bounds(field: Schema) -> str:
    """Return the bounds of a number in words."""
    low, high = field.get("minimum"), field.get("maximum")
    if low is None:
        return "Above 0." if field.get("exclusiveMinimum") == 0 else ""
    return f"At least {low}." if high is None else f"{low} to {high}."


def _defaults() -> str:
    """Return what provider types and vendors fill in."""
    text = "## Defaults of provider types\n\n| Type | Hosts | Signs in by | Agent's variable |\n"
    text += "|---|---|---|---|\n"
    for name, defaults in PROVIDER_TYPES.items():
        hosts = ", ".join(f"`{host}`" for host in defaults.hosts)
        ways = ", ".join(f"`{way}`" for way in AUTH_TYPES[name])
        variable = f"`{defaults.env_var}`" if defaults.env_var else ""
        text += f"| `{name}` | {hosts} | {ways} | {variable} |\n"
    text += "\n## Endpoints of vendors\n\n| Provider | Endpoint |\n|---|---|\n"
    return text + "".join(f"| `{name}` | `{url}` |\n" for name, url in ENDPOINTS.items()) + "\n"


def _formats() -> str:
    text = "## Types\n\n| Type | What is accepted |\n|---|---|\n"
    text += "| `quantity` | A number with an optional unit: `500m`, `2`, `512Mi`, `5Gi`. |\n"
    for name, check in _FORMATS.items():
        meaning = (inspect.getdoc(check) or "").splitlines()[0].removeprefix("Check ")
        text += f"| `{name}` | {meaning[0].upper()}{meaning[1:]} |\n"
    return text
