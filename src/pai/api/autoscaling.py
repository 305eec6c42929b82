"""The part of an agent that says how its replica count follows the load."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pai.api.model import ApiModel, AsList, Cel
from pai.api.network import Url
from pai.api.scalars import JsonPath

MAX_REPLICAS = 1000
_Seconds = Annotated[int, Field(ge=0, le=86_400)]


class Metric(ApiModel):
    """One signal; the metric that asks for the most replicas decides."""

    type: Literal["tokenRate", "http"] = Field(
        description="`tokenRate`: tokens per minute of the whole agent. `http`: a number at `url`."
    )
    target_value_per_replica: float = Field(
        gt=0, allow_inf_nan=False, description="How much of the signal one replica handles."
    )
    url: Url | None = Field(
        default=None, description="`http` only: where the JSON document is read."
    )
    json_path: JsonPath = Field(
        default="",
        description="`http` only: dotted path to the number; empty is the document itself.",
    )

    cel_rules = (
        Cel("self.type != 'http' || has(self.url)", "type http needs url"),
        Cel("self.type == 'http' || !has(self.url)", "only type http has url", ("url",)),
        Cel(
            "self.type == 'http' || !has(self.jsonPath) || self.jsonPath == ''",
            "only type http has jsonPath",
            ("jsonPath",),
        ),
    )

    @model_validator(mode="after")
    def _url_belongs_to_http(self) -> Self:
        http = self.type == "http"
        return self.judged(
            (
                http and self.url is None,
                not http and self.url is not None,
                not http and self.json_path != "",
            )
        )


class Autoscaling(ApiModel):
    """Bounds and pace of the replica count."""

    min_replicas: int = Field(
        default=1, ge=0, le=MAX_REPLICAS, description="Least replicas; 0 lets the agent pause."
    )
    max_replicas: int = Field(ge=1, le=MAX_REPLICAS, description="Most replicas, inclusive.")
    scale_up_cooldown_seconds: _Seconds = Field(
        default=60, description="Least time between two steps up."
    )
    scale_down_cooldown_seconds: _Seconds = Field(
        default=300, description="Least time between two steps down."
    )
    scale_down_stabilization_window_seconds: _Seconds = Field(
        default=120, description="The highest wish within this time bounds a step down."
    )
    poll_interval_seconds: int = Field(
        default=30, ge=1, le=86_400, description="How often the metrics are read."
    )
    metrics: Annotated[tuple[Metric, ...], AsList, Field(max_length=16)] = Field(
        default=(), description="Signals to follow."
    )

    cel_rules = (
        Cel(
            "self.minReplicas <= self.maxReplicas",
            "minReplicas is above maxReplicas",
            ("minReplicas",),
        ),
    )

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        return self.judged((self.min_replicas > self.max_replicas,))
