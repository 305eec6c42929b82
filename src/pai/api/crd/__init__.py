"""What a Kubernetes cluster is told of the resources: one CustomResourceDefinition a kind. Pure.

The API server then refuses what `pai.api.validate` refuses; the few differences are a table.
"""

from pai.api.crd.definitions import (
    DEFINED_KINDS,
    custom_resource_definition,
    custom_resource_definitions,
)
from pai.api.crd.differences import DIFFERENCES, Difference

__all__ = [
    "DEFINED_KINDS",
    "DIFFERENCES",
    "Difference",
    "custom_resource_definition",
    "custom_resource_definitions",
]
