"""deploy/kubernetes/crds: the CustomResourceDefinitions, one file a kind; and the page on them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pai.api import dump_yaml
from pai.api.crd import DEFINED_KINDS, DIFFERENCES, custom_resource_definition

DIRECTORY = Path("deploy/kubernetes/crds")
_FILE_HEAD = "# Made by `make generate` from pai.api; do not edit.\n"
_HEAD = """\
# The kinds on a cluster

<!-- Made by `make generate` from pai.api.crd; do not edit. -->

On Kubernetes an AgentWorkload, a ModelBinding and a Provider are resources of the cluster, and
`kubectl` and `pai` are equal there. A Secret is a core Secret. Every rule of the
[fields](fields.md) is part of the definitions, so that the API server refuses what `pai` refuses,
with the same words. Needs Kubernetes 1.31 or newer.

| Kind | Also known as | Columns of `kubectl get` |
|---|---|---|
"""
_AFTER_KINDS = """
`kubectl get pai` lists all three kinds. `kubectl scale agent NAME --replicas=N` sets
`spec.replicas`, and autoscalers of the cluster may. `kubectl explain agent.spec` tells what every
field means.

Numbers, truth values and words that are left out are filled in with their defaults, so that they
show in what is read back. What is empty by default stays left out.

## How lists are merged

With server-side apply, several appliers may each own a part of an object. Entries of these lists
belong to whoever applied them; another applier's entries stay:

| Kind | List | Told apart by |
|---|---|---|
"""
_DIFFERENCES = """
Every other list belongs to one applier as a whole, and so does `spec.modelBindings`, whose order
counts.

## Where the API server judges otherwise

| Kind | Field | When it | The API server | What follows |
|---|---|---|---|---|
"""


def generate() -> dict[Path, str]:
    """Return the files and the page."""
    definitions = {kind: custom_resource_definition(kind) for kind in DEFINED_KINDS}
    files = {
        DIRECTORY / f"{kind.lower()}.yaml": _FILE_HEAD + dump_yaml(definition)
        for kind, definition in definitions.items()
    }
    rows = [f"| {d.kind} | {_path(d.path)} | {d.what} | {d.server} | {d.then} |\n"
            for d in DIFFERENCES]  # fmt: skip
    page = [
        _HEAD,
        *(_kind_row(kind, definition["spec"]) for kind, definition in definitions.items()),
        _AFTER_KINDS,
        *(row for kind, definition in definitions.items() for row in _merged(kind, definition)),
        _DIFFERENCES,
        *rows,
    ]
    return {**files, Path("docs/reference/crds.md"): "".join(page)}


def _path(text: str) -> str:
    return ", ".join(f"`{part}`" if "." in part else part for part in text.split(", "))


def _kind_row(kind: str, spec: dict[str, Any]) -> str:
    names = ", ".join(
        f"`{name}`" for name in (spec["names"]["plural"], *spec["names"]["shortNames"])
    )
    columns = ", ".join(c["name"].upper() for c in spec["versions"][0]["additionalPrinterColumns"])
    return f"| {kind} | {names} | NAME, {columns} |\n"


def _merged(kind: str, definition: dict[str, Any]) -> Iterator[str]:
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path, node in _lists(schema["properties"]["spec"], "spec"):
        if node.get("x-kubernetes-list-type") in ("map", "set"):
            keys = node.get("x-kubernetes-list-map-keys", [])
            way = ", ".join(f"`{key}`" for key in keys) or "the entry itself"
            yield f"| {kind} | `{path}` | {way} |\n"


def _lists(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if "items" in node:
        yield path, node
        yield from _lists(node["items"], f"{path}[]")
    for name, part in node.get("properties", {}).items():
        yield from _lists(part, f"{path}.{name}")
