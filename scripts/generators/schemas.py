"""JSON schemas for editors: one a kind, and one for files that mix them."""

import json
from pathlib import Path

from scripts.generators.schema_tree import DIALECT, schema_of

from pai.api import KINDS

DIRECTORY = Path("docs/reference/schemas")


def generate() -> dict[Path, str]:
    """Return the schema files."""
    files = {f"{kind.lower()}.json": schema_of(kind) for kind in KINDS}
    any_kind = {
        "$schema": DIALECT,
        "description": "Any resource of Pai.",
        "oneOf": [{"$ref": name} for name in sorted(files)],
    }
    return {
        DIRECTORY / name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in {**files, "pai.json": any_kind}.items()
    }
