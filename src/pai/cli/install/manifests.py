"""`--dry-run`: everything that would be applied, as text for a repository. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from pai.api.crd import custom_resource_definitions
from pai.api.yaml_text import dump_all_yaml
from pai.cli.output.serialise import as_json
from pai.render.platform import Manifest, Options, render_platform


def definitions() -> list[Manifest]:
    """Return the definitions of our kinds."""
    return list(custom_resource_definitions())


def manifests(options: Options) -> list[Manifest]:
    """Return the namespace, the definitions and the rest, in the order to apply them."""
    namespace, *rest = render_platform(options)
    return [namespace, *definitions(), *rest]


def as_text(found: Sequence[Mapping[str, Any]], *, json: bool) -> str:
    """Return the manifests as one text that `kubectl apply -f -` takes."""
    if json:
        return as_json({"apiVersion": "v1", "kind": "List", "items": list(found)})
    return dump_all_yaml(list(found))
