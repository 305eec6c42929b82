"""The CustomResourceDefinitions of the kinds that a cluster keeps as they are written.

A Secret is none of them: on a cluster it is a core Secret.
"""

from typing import Any, NamedTuple

from pai.api import cel
from pai.api.crd.schema import Schema, structural, without_defaults
from pai.api.kinds import KINDS
from pai.api.model import CEL_RULES, Cel
from pai.api.scalars import LONGEST_NAME, NAME_HINT, NAME_PATTERN

GROUP, VERSION = "pai.io", "v1"
_METADATA = ("apiVersion", "kind", "metadata")
_NAME_RULES = (
    Cel(
        f"size(self.metadata.name) <= {LONGEST_NAME}",
        f"metadata.name is longer than {LONGEST_NAME} characters",
        hint="choose a shorter name",
    ),
    Cel(
        f"self.metadata.name.matches({cel.literal(f'^{NAME_PATTERN}$')})",
        "metadata.name is no name",
        hint=NAME_HINT,
    ),
)


class _Column(NamedTuple):
    """One column of `kubectl get`. path: of the field."""

    name: str
    path: str
    description: str
    type: str = "string"

    def wire(self) -> dict[str, str]:
        """Return the column as a definition holds it."""
        return {
            "name": self.name,
            "type": self.type,
            "description": self.description,
            "jsonPath": self.path,
        }


class _Extra(NamedTuple):
    """What a kind has besides its schema. scaled: `kubectl scale` works."""

    short_names: tuple[str, ...]
    columns: tuple[_Column, ...]
    scaled: bool = False


_AGE = _Column("Age", ".metadata.creationTimestamp", "When the resource was made.", "date")
_EXTRAS = {
    "AgentWorkload": _Extra(
        ("agent", "aw"),
        (
            _Column("Phase", ".status.phase", "Where in its life the agent is."),
            _Column("Replicas", ".status.readyReplicas", "Replicas that are ready.", "integer"),
            _Column("Tokens", ".status.tokensToday", "Tokens spent in this UTC day.", "integer"),
            _Column("URL", ".status.url", "Public URL of the agent."),
            _AGE,
        ),
        scaled=True,
    ),
    "ModelBinding": _Extra(
        ("model", "mb"),
        (
            _Column("Provider", ".spec.provider", "The vendor."),
            _Column("Model", ".spec.model", "The vendor's id of the model."),
            _AGE,
        ),
    ),
    "Provider": _Extra(
        ("prov",),
        (
            _Column("Type", ".spec.type", "Kind of service."),
            _Column("Host", ".spec.host", "Host in place of the type's own."),
            _AGE,
        ),
    ),
}
DEFINED_KINDS = tuple(_EXTRAS)


def custom_resource_definitions() -> tuple[dict[str, Any], ...]:
    """Return every definition. Shape: in the order of the kinds."""
    return tuple(custom_resource_definition(kind) for kind in DEFINED_KINDS)


def custom_resource_definition(kind: str) -> dict[str, Any]:
    """Return the definition of one kind, as the API server takes it."""
    entry, extra = KINDS[kind], _EXTRAS[kind]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{entry.plural}.{GROUP}",
            "labels": {"app.kubernetes.io/part-of": "pai"},
        },
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": entry.plural,
                "singular": kind.lower(),
                "shortNames": list(extra.short_names),
                "categories": ["pai"],
            },
            "versions": [_version(kind, extra)],
        },
    }


def _version(kind: str, extra: _Extra) -> dict[str, Any]:
    subresources: dict[str, Any] = {"status": {}}
    if extra.scaled:
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": subresources,
        "additionalPrinterColumns": [column.wire() for column in extra.columns],
        "schema": {"openAPIV3Schema": schema_of(kind)},
    }


def schema_of(kind: str) -> Schema:
    """Return the schema of a whole resource; its metadata is Kubernetes' own business."""
    whole = structural(KINDS[kind].model)
    written = {
        name: part
        for name, part in whole["properties"].items()
        if name not in (*_METADATA, "status")
    }
    properties = {
        "apiVersion": {"type": "string", "description": f"`{GROUP}/{VERSION}`."},
        "kind": {"type": "string", "description": f"`{kind}`."},
        "metadata": {"type": "object"},
        **written,
        "status": without_defaults(whole["properties"]["status"]),
    }
    return {
        "description": whole["description"],
        "type": "object",
        "required": [name for name in whole["required"] if name not in _METADATA],
        "properties": properties,
        CEL_RULES: [rule.wire() for rule in _NAME_RULES],
    }
