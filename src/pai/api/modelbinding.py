"""ModelBinding: one model of one vendor, with the key that pays for it and its limits."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pai.api.metadata import API_VERSION, ResourceModel
from pai.api.model import ApiModel, Cel
from pai.api.network import Endpoint
from pai.api.scalars import Concurrent, Name, SecretKey, Tokens, Word

DEFAULT_SECRET_KEY = "token"
Seconds = Annotated[int, Field(ge=1, le=86_400)]
Vendor = Literal["anthropic", "gemini", "openai", "openrouter"]


class ApiKeySecretRef(ApiModel):
    """Where the vendor's key is kept."""

    name: Name = Field(description="Name of a Secret in the same namespace.")
    key: SecretKey = Field(
        default=DEFAULT_SECRET_KEY,
        description="Entry of the Secret. When `token` is absent, `api-key` or the only entry is "
        "taken.",
    )


class Retry(ApiModel):
    """How a call that the vendor could not serve is tried again; never after its first byte."""

    max_attempts: int = Field(default=3, ge=1, le=10, description="Attempts in all.")
    min_backoff_ms: int = Field(
        default=200, ge=0, le=60_000, description="First pause in milliseconds, with jitter."
    )
    max_backoff_ms: int = Field(
        default=5000, ge=0, le=60_000, description="Longest pause in milliseconds."
    )

    cel_rules = (
        Cel(
            "self.minBackoffMs <= self.maxBackoffMs",
            "minBackoffMs is above maxBackoffMs",
            ("minBackoffMs",),
        ),
    )

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        return self.judged((self.min_backoff_ms > self.max_backoff_ms,))


class Timeouts(ApiModel):
    """How long the vendor may take; what takes longer is given up, and charged as interrupted."""

    connect_seconds: Seconds = Field(
        default=10, description="Until there is a connection, name and TLS included."
    )
    first_byte_seconds: Seconds = Field(
        default=600, description="Until the answer begins; models that think are silent long."
    )
    idle_seconds: Seconds = Field(
        default=300, description="Longest silence in the middle of an answer."
    )
    total_seconds: Seconds = Field(default=3600, description="For the whole answer.")


class Prices(ApiModel):
    """USD per million tokens; overrides the table that comes with Pai."""

    input: float = Field(ge=0, allow_inf_nan=False, description="Input tokens.")
    output: float = Field(ge=0, allow_inf_nan=False, description="Output tokens.")
    cached: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="Cached input; as input if left out."
    )
    reasoning: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="Reasoning; as output if left out."
    )


class ModelBindingSpec(ApiModel):
    """The model and its limits."""

    provider: Vendor = Field(description="The vendor, or whose API the endpoint speaks.")
    model: Word = Field(description="The vendor's id of the model.")
    api_key_secret_ref: ApiKeySecretRef | None = Field(
        default=None, description="The key. Left out: calls go without one."
    )
    max_tokens_per_day: Tokens | None = Field(
        default=None,
        description="Hard limit of one UTC day over all agents that use this binding.",
    )
    max_tokens_per_request: Tokens | None = Field(default=None, description="Limit of one request.")
    endpoint: Endpoint | None = Field(
        default=None,
        description="Base URL, for any compatible server; the vendor's own when left out.",
    )
    max_concurrent_requests: Concurrent | None = Field(
        default=None,
        description="Requests under way at once over all agents, in each gateway worker; others "
        "wait in line, then get 429.",
    )
    timeouts: Timeouts = Field(default=Timeouts(), description="How long the vendor may take.")
    retry: Retry = Field(default=Retry(), description="Attempts and pauses between them.")
    prices: Prices | None = Field(default=None, description="Overrides the known prices.")
    fallback: bool = Field(
        default=False,
        description="Lets the agent's next binding answer also when this one was named.",
    )


class ModelBinding(ResourceModel):
    """A model that agents may use."""

    api_version: Literal["pai.io/v1"] = Field(default=API_VERSION, description="`pai.io/v1`.")
    kind: Literal["ModelBinding"] = Field(default="ModelBinding", description="`ModelBinding`.")
    spec: ModelBindingSpec = Field(description="The model and its limits.")
    status: dict[str, Any] | None = Field(
        default=None, description="Written by the platform, ignored when sent."
    )
