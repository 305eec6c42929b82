"""What to do next about an agent, and what to tell of it. Pure: `now` is an argument."""

from pai.reconcile.containers.actions import (
    Action,
    CreateVolume,
    PullImage,
    RemoveContainer,
    RemoveVolume,
    RunContainer,
    StartContainer,
)
from pai.reconcile.containers.history import History, Record, backoff, refused
from pai.reconcile.containers.observed import (
    ImageState,
    Observed,
    ObservedContainer,
    ObservedVolume,
    Readiness,
)
from pai.reconcile.containers.plan import plan
from pai.reconcile.containers.step import Step, next_step
from pai.reconcile.event import Event
from pai.reconcile.reasons import CONDITIONS, REASONS
from pai.reconcile.status import AgentStatus, Condition, Surroundings, rejected_status
from pai.reconcile.transitions import transitions

__all__ = [
    "CONDITIONS",
    "REASONS",
    "Action",
    "AgentStatus",
    "Condition",
    "CreateVolume",
    "Event",
    "History",
    "ImageState",
    "Observed",
    "ObservedContainer",
    "ObservedVolume",
    "PullImage",
    "Readiness",
    "Record",
    "RemoveContainer",
    "RemoveVolume",
    "RunContainer",
    "StartContainer",
    "Step",
    "Surroundings",
    "backoff",
    "next_step",
    "plan",
    "refused",
    "rejected_status",
    "transitions",
]
