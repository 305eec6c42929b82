"""The part of an agent that Kubernetes alone knows: where its pods run, and how they are probed.

On a container engine these fields have no effect; `pai.translate.local_warnings` says so.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pai.api.labels import LabelKey, LabelValue, NodeLabels, ObjectName
from pai.api.lists import UNIQUE, unique_words
from pai.api.model import ApiModel, AsList, Cel
from pai.api.paths import ProbePath
from pai.api.scalars import Text

PROBES = ("liveness", "readiness", "startup")
_Seconds = Annotated[int, Field(ge=1, le=86_400)]
_Argument = Annotated[Text, Field(max_length=32_768)]
_Part = dict[str, Any]  # judged by Kubernetes itself, when the pod is made


class Toleration(ApiModel):
    """One taint of nodes that the agent's pods put up with, in Kubernetes' own words."""

    key: LabelKey | None = Field(
        default=None, description="Key of the taint; every key when left out."
    )
    operator: Literal["Exists", "Equal"] = Field(
        default="Equal", description="`Exists` takes any value of the taint."
    )
    value: LabelValue = Field(default="", description="Value of the taint, with `Equal`.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; every effect when left out."
    )
    toleration_seconds: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        default=None, description="`NoExecute` only: how long the pod stays; for ever if left out."
    )

    cel_rules = (
        Cel(
            "has(self.key) || self.operator == 'Exists'",
            "without key, operator must be Exists",
            field=("operator",),
        ),
        Cel(
            "self.operator == 'Equal' || !has(self.value) || self.value == ''",
            "operator Exists has no value",
            field=("value",),
        ),
        Cel(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "only effect NoExecute has tolerationSeconds",
            field=("tolerationSeconds",),
        ),
    )

    @model_validator(mode="after")
    def _fields_fit(self) -> Self:
        broken = (
            self.key is None and self.operator != "Exists",
            self.operator == "Exists" and self.value != "",
            self.toleration_seconds is not None and self.effect != "NoExecute",
        )
        return self.judged(broken)


class Affinity(ApiModel):
    """Which nodes and which other pods the agent's pods seek or keep away from."""

    node_affinity: _Part | None = Field(
        default=None, description="Nodes, as `nodeAffinity` of a pod."
    )
    pod_affinity: _Part | None = Field(
        default=None, description="Pods to be near to, as `podAffinity` of a pod."
    )
    pod_anti_affinity: _Part | None = Field(
        default=None, description="Pods to keep away from, as `podAntiAffinity` of a pod."
    )


class Probe(ApiModel):
    """One question that Kubernetes asks the agent again and again."""

    path: ProbePath | None = Field(
        default=None,
        description="HTTP path on `inbound.port`; a status from 200 to 399 is a success.",
    )
    command: Annotated[tuple[_Argument, ...], AsList, Field(max_length=64)] = Field(
        default=(), description="Program in the container; exit code 0 is a success."
    )
    initial_delay_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=0, description="Time after the start until the first question."
    )
    period_seconds: _Seconds = Field(default=10, description="Time between two questions.")
    timeout_seconds: _Seconds = Field(default=1, description="Time within which it must answer.")
    failure_threshold: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=3, description="Failures in a row that count."
    )

    cel_rules = (
        Cel(
            "has(self.path) != (has(self.command) && size(self.command) > 0)",
            "give exactly one of path and command",
        ),
    )

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        return self.judged(((self.path is not None) == bool(self.command),))


class Probes(ApiModel):
    """Questions of Kubernetes, besides the ones that Pai asks for itself."""

    liveness: Probe | None = Field(
        default=None, description="When it fails, the agent's container is started again."
    )
    readiness: Probe | None = Field(
        default=None, description="While it fails, the replica gets no requests."
    )
    startup: Probe | None = Field(
        default=None, description="Until it succeeds, the other two wait."
    )


class Pod(ApiModel):
    """Settings of the agent's pods. They have an effect on Kubernetes only."""

    priority_class_name: ObjectName | None = Field(
        default=None, description="PriorityClass of the pods."
    )
    runtime_class_name: ObjectName | None = Field(
        default=None, description="RuntimeClass of the pods, e.g. a sandbox for hostile agents."
    )
    node_selector: NodeLabels = Field(
        default={}, description="Labels that a node must have to run the agent."
    )
    tolerations: Annotated[tuple[Toleration, ...], AsList, Field(max_length=64)] = Field(
        default=(), description="Taints of nodes that the pods put up with."
    )
    affinity: Affinity | None = Field(
        default=None,
        description="Nodes and pods to be near to or away from; the parts are as in a pod.",
    )
    image_pull_secrets: Annotated[
        tuple[ObjectName, ...], AsList, Field(max_length=64), AfterValidator(unique_words), UNIQUE
    ] = Field(
        default=(),
        description="Names of Secrets in the agent's namespace that its image is pulled with.",
    )
    storage_class_name: ObjectName | None = Field(
        default=None,
        description="StorageClass of new volumes; the cluster's default when left out.",
    )
    termination_grace_period_seconds: _Seconds = Field(
        default=10, description="Time between the request to stop and the end by force."
    )
    probes: Probes | None = Field(
        default=None, description="Questions of Kubernetes about the agent's health."
    )
