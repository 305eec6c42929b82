"""What all programs have in common: the tasks' words, and how results are told."""

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WEATHER = "How is the weather ?"
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name of the city"}},
    "required": ["city"],
    "additionalProperties": False,
}


def weather(city: str) -> str:
    """Return what the tool says."""
    return f"{city}:sunny"


def run(tasks: Mapping[str, Callable[[str], Any]], models: list[str]) -> None:
    """Do every task with every model; print `{model: {task: result}}`."""
    only = [each[2:] for each in models if each.startswith("--")]
    found: dict[str, dict[str, Any]] = {}
    for model in models:
        if model.startswith("--"):
            continue
        found[model] = {}
        for name, task in tasks.items():
            if only and name not in only:
                continue
            try:
                found[model][name] = task(model)
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                said = f"{type(error).__name__}: {error} ({where.name}:{where.lineno})"
                found[model][name] = {"failed": said[:1500]}
    json.dump(found, sys.stdout)
