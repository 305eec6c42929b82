"""JSON schemas of the four kinds, made readable: no titles, no null branches. Shared."""

from typing import Any

from pai.api import KINDS

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: str) -> Schema:
    """Return the schema of a kind, with `apiVersion` and `kind` required."""
    schema = simplified(KINDS[kind].model.model_json_schema(by_alias=True))
    required = ["apiVersion", "kind", *schema["required"]]
    return {"$schema": DIALECT, **schema, "required": required}


def simplified(node: Any) -> Any:
    """Return a schema without titles and rules for a cluster, and `X or null` folded to `X`."""
    if isinstance(node, list):
        return [simplified(item) for item in node]
    if not isinstance(node, dict):
        return node
    fields: Schema = {
        key: _named(value) if key in ("properties", "$defs") else simplified(value)
        for key, value in node.items()
        if key != "title"
        and not key.startswith("x-kubernetes-")
        and not (key == "default" and value is None)
    }
    branches: list[Schema] = fields.get("anyOf", [])
    if len(branches) == 2 and branches[1] == {"type": "null"}:
        del fields["anyOf"]
        fields = {**branches[0], **fields}
    return fields


def _named(schemas: Schema) -> Schema:
    """Return schemas by name; the names are no schema words, even where they look like one."""
    return {name: simplified(schema) for name, schema in schemas.items()}
