"""From a model's JSON schema to a structural schema, which the Kubernetes API server takes.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

import json
from typing import Any

from pai.api.model import CEL_RULES, ApiModel

Schema = dict[str, Any]

# Words of a type that mean the same in a structural schema.
_KEPT = (
    "enum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "type",
)
_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def structural(model: type[ApiModel]) -> Schema:
    """Return the structural schema of a part of a resource."""
    schema = model.model_json_schema(by_alias=True)
    return _converted(schema, schema.get("$defs", {}))


def without_defaults(schema: Schema) -> Schema:
    """Return a schema whose fields are never filled in; for what the platform writes itself."""
    parts: Schema = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in parts:
        parts["properties"] = {
            name: without_defaults(part) for name, part in parts["properties"].items()
        }
    if "items" in parts:
        parts["items"] = without_defaults(parts["items"])
    return parts


def _converted(node: Schema, definitions: Schema) -> Schema:
    node = _inlined(node, definitions)
    if "properties" not in node and node.get("additionalProperties") is True:
        return {**_described(node), **_ANYTHING}
    schema = {**_described(node), **{key: node[key] for key in _KEPT if key in node}}
    if isinstance(schema.get("type"), list):  # text or a number
        del schema["type"]
        schema["x-kubernetes-int-or-string"] = True
    if "const" in node:
        schema |= {"enum": [node["const"]]}
    if "exclusiveMinimum" in node:
        schema |= {"minimum": node["exclusiveMinimum"], "exclusiveMinimum": True}
    if "pattern" in node and CEL_RULES not in node:  # rules say it in words
        schema["pattern"] = node["pattern"]
    schema |= {key: node[key] for key in sorted(node) if key.startswith("x-kubernetes-")}
    schema |= _parts(node, definitions)
    if _is_worth_filling_in(node.get("default")):
        schema["default"] = node["default"]
    return schema


def _parts(node: Schema, definitions: Schema) -> Schema:
    parts: Schema = {}
    if "properties" in node:
        parts["properties"] = {
            name: _converted(part, definitions) for name, part in node["properties"].items()
        }
        if node.get("required"):
            parts["required"] = sorted(node["required"])
    elif isinstance(node.get("additionalProperties"), dict):
        parts["additionalProperties"] = _converted(node["additionalProperties"], definitions)
    if "items" in node:
        parts["items"] = _converted(node["items"], definitions)
    return parts


def _inlined(node: Schema, definitions: Schema) -> Schema:
    """Return a node with its reference followed and `X or null` folded; its own words win."""
    branches = [branch for branch in node.get("anyOf", ()) if branch != {"type": "null"}]
    if branches:
        outer = {key: value for key, value in node.items() if key != "anyOf"}
        return {**_inlined(branches[0], definitions), **outer}
    if "$ref" in node:
        outer = {key: value for key, value in node.items() if key != "$ref"}
        return {**_inlined(definitions[node["$ref"].rpartition("/")[2]], definitions), **outer}
    return node


def _is_worth_filling_in(default: object) -> bool:
    """Say whether the API server shall fill a default in: what is empty means the same unsaid."""
    return not isinstance(default, dict) and default not in (None, "", [])


def _described(node: Schema) -> Schema:
    """Return the description with what `kubectl explain` does not show: default and bounds."""
    text = " ".join(node.get("description", "").split())
    sentences = [text, _bounds(node)]
    if _is_worth_filling_in(node.get("default")):
        sentences.append(f"Default: {json.dumps(node['default'])}.")
    told = " ".join(sentence for sentence in sentences if sentence)
    return {"description": told} if told else {}


def _bounds(node: Schema) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if "exclusiveMinimum" in node:
        return f"Above {node['exclusiveMinimum']}."
    if low is None:
        return ""
    return f"At least {low}." if high is None else f"{low} to {high}."
