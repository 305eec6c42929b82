"""Status of an agent as resources carry it. Written by `pai.reconcile`, never read from input."""

from typing import Annotated, Literal

from pydantic import Field

from pai.api.model import ApiModel, AsList

Phase = Literal["Creating", "Pending", "Running", "Failed", "Terminating"]


class Condition(ApiModel):
    """One aspect of the agent's state."""

    type: str = Field(description="The aspect.")
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
