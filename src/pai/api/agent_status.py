"""Status of an agent: phase, conditions, and what each reason of a condition means."""

from typing import Annotated, Literal

from pydantic import Field

from pai.api.model import ApiModel, AsList

Phase = Literal["Creating", "Pending", "Running", "Failed", "Terminating"]
ConditionType = Literal[
    "Ready",
    "Accepted",
    "Paused",
    "FilesystemConfined",
    "BudgetExhausted",
    "ScalingActive",
    "Exposed",
]

# One meaning a reason. Shape: type of condition, then reason, then meaning.
REASONS: dict[ConditionType, dict[str, str]] = {
    "Accepted": {
        "Accepted": "The spec is valid and every name in it leads to a resource.",
        "InvalidSpec": "The spec can't work; the message says why.",
        "RefNotFound": "A resource that the spec names does not exist; the message names it.",
        "NotBuilt": "The spec is valid, but a field in it has no effect yet; the message names it.",
    },
    "Ready": {
        "Ready": "At least one replica is ready.",
        "Creating": "Containers and volumes are being made.",
        "PullingImage": "An image is being fetched.",
        "ImageUnavailable": "An image can't be fetched; the message says why.",
        "RefNotFound": "A resource that the spec names does not exist.",
        "InvalidSpec": "The spec can't work.",
        "Starting": "Containers run, but none is ready yet.",
        "CrashLoop": "The agent keeps ending; it is started again with growing pauses.",
        "OOMKilled": "The agent used more memory than its limit.",
        "SeedFailed": "A config file could not be put in place.",
        "Paused": "No replica is wanted.",
        "EngineUnavailable": "The container engine is out of reach.",
        "Terminating": "The agent is being deleted.",
    },
    "Paused": {
        "PausedBySpec": "`paused` is true.",
        "ScaledToZero": "The replica count is 0.",
        "NotPaused": "Replicas are wanted.",
    },
    "FilesystemConfined": {
        "Confined": "Writing is confined as the spec says.",
        "PartlyConfined": "The kernel confines a part of it; the message says what is missing.",
        "NotRequested": "The spec has no `filesystem`.",
        "NotSupported": "The kernel or the engine can't confine writing.",
        "NotBuilt": "This version does not confine writing.",
    },
    "BudgetExhausted": {
        "DayLimitReached": "The agent has spent its tokens of this UTC day.",
        "WithinBudget": "The agent may spend more today.",
    },
    "ScalingActive": {
        "Scaling": "The replica count follows the metrics.",
        "MetricsUnavailable": "No metric could be read; the count is held.",
        "NotRequested": "The spec has no `autoscaling`.",
        "NotBuilt": "This version does not scale by itself.",
    },
    "Exposed": {
        "Serving": "The exposed directories are served.",
        "NotRequested": "The spec has no `expose`.",
        "NotReady": "No replica is ready to serve them.",
        "NotBuilt": "This version does not serve directories.",
    },
}


class Condition(ApiModel):
    """One aspect of the agent's state."""

    type: ConditionType = Field(description="The aspect.")
    status: Literal["True", "False", "Partial", "Unknown"] = Field(
        description="Whether it holds; `Partial` belongs to confinement."
    )
    reason: str = Field(description="One word for the cause; each has one documented meaning.")
    message: str = Field(default="", description="The cause in a sentence.")
    last_transition_time: str = Field(description="When `status` last changed (RFC 3339, UTC).")
    observed_generation: int | None = Field(
        default=None, description="`metadata.generation` this was seen for."
    )


class AgentStatus(ApiModel):
    """What runs, as the platform saw it last."""

    phase: Phase = Field(default="Creating", description="Where in its life the agent is.")
    url: str | None = Field(default=None, description="Public URL of the agent.")
    tokens_today: int = Field(default=0, description="Tokens spent in this UTC day.")
    tokens_reserved: int = Field(default=0, description="Tokens held for requests that run now.")
    message: str = Field(default="", description="Why the agent failed or waits.")
    current_replicas: int = Field(default=0, description="Replicas that exist.")
    ready_replicas: int = Field(default=0, description="Replicas that are ready.")
    replicas: int = Field(default=0, description="Replicas wanted (scale subresource).")
    selector: str = Field(default="", description="Label selector of the replicas.")
    last_scale_time: str | None = Field(
        default=None, description="When autoscaling last changed the count (RFC 3339, UTC)."
    )
    public_address: str | None = Field(
        default=None, description="Stable address of the agent's own load balancer, with `inbound`."
    )
    observed_generation: int | None = Field(
        default=None, description="`metadata.generation` this status belongs to."
    )
    conditions: Annotated[tuple[Condition, ...], AsList] = Field(
        default=(), description="Aspects of the state, each with a reason."
    )
