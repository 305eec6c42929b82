"""What every resource carries: identity, labels, annotations, and the server's own fields."""

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, model_validator

from pai.api.fault import Problem, all_wrong
from pai.api.labels import Labels, is_label_key
from pai.api.model import ApiModel
from pai.api.scalars import Name, Namespace, echo

API_VERSION: Final = "pai.io/v1"
DEFAULT_NAMESPACE = "default"
PERSONAL_ENV_ANNOTATION = "pai.io/personal-env"
RESTARTED_AT_ANNOTATION = "pai.io/restarted-at"
MAX_ANNOTATION_BYTES = 256 * 1024

# Set by Kubernetes and other tools that speak the same format; accepted and forgotten.
_FORGOTTEN = (
    "deletionGracePeriodSeconds",
    "finalizers",
    "generateName",
    "managedFields",
    "ownerReferences",
    "selfLink",
)


def _annotations(annotations: dict[str, str]) -> dict[str, str]:
    problems = [
        Problem(f"{echo(key)} is no annotation key", path=(key,))
        for key in annotations
        if not is_label_key(key.lower())
    ]
    size = sum(len(key) + len(value.encode()) for key, value in annotations.items())
    if size > MAX_ANNOTATION_BYTES:
        problems.append(Problem(f"hold more than {MAX_ANNOTATION_BYTES} bytes together"))
    if problems:
        raise all_wrong(problems)
    return annotations


class Metadata(ApiModel):
    """Identity of a resource and what people and tools note on it."""

    name: Name = Field(description="Name of the resource, unique for its kind in the namespace.")
    namespace: Namespace | None = Field(
        default=None, description="Namespace; the one of the current context when left out."
    )
    labels: Labels = Field(default={}, description="Short marks to group and select resources by.")
    annotations: Annotated[dict[str, str], AfterValidator(_annotations)] = Field(
        default={}, description="Free notes of people and tools; `pai.io/` keys belong to Pai."
    )
    uid: str | None = Field(
        default=None, description="Set by the server: changes when the resource is made anew."
    )
    resource_version: str | None = Field(
        default=None,
        description="Set by the server; when sent back, an update of an older version is refused.",
    )
    generation: int | None = Field(
        default=None, description="Set by the server: counts the changes of `spec`."
    )
    creation_timestamp: str | None = Field(
        default=None, description="Set by the server: when the resource was made."
    )
    deletion_timestamp: str | None = Field(
        default=None, description="Set by the server: when deletion began."
    )

    @model_validator(mode="before")
    @classmethod
    def _other_tools_fields_are_forgotten(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if key not in _FORGOTTEN}


class ResourceModel(ApiModel):
    """Base of the four kinds: a status that comes in is ignored, the platform writes it."""

    api_version: str
    kind: str
    metadata: Metadata = Field(description="Identity of the resource.")

    @model_validator(mode="before")
    @classmethod
    def _status_is_not_input(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if key not in ("status", "keys")}

    def to_wire(self) -> dict[str, Any]:
        """Return the fields that were set, in the order people write them."""
        fields = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        fields.update(apiVersion=self.api_version, kind=self.kind)
        return {**{key: fields[key] for key in ("apiVersion", "kind", "metadata")}, **fields}

    @property
    def name(self) -> str:
        """Return the name."""
        return self.metadata.name

    @property
    def namespace(self) -> str:
        """Return the namespace, `default` when none was written."""
        return self.metadata.namespace or DEFAULT_NAMESPACE

    def in_namespace(self, namespace: str) -> Self:
        """Return the resource with its namespace filled in; one that is written stays."""
        if self.metadata.namespace is not None:
            return self
        return self.replaced(metadata=self.metadata.replaced(namespace=namespace))
