"""The next step for one agent on Kubernetes: what to do now, and what to tell."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from pai.ir.agent import Agent
from pai.reconcile.event import Event
from pai.reconcile.kubernetes.actions import Action
from pai.reconcile.kubernetes.observed import Json, Observed, leaving
from pai.reconcile.kubernetes.plan import Plan, plan
from pai.reconcile.kubernetes.pods import PodState, pod_states
from pai.reconcile.reasons import REASONS
from pai.reconcile.status import (
    AgentStatus,
    Condition,
    Seen,
    Surroundings,
    condition,
    rejected_status,
    running_status,
    terminating_status,
)
from pai.render.labels import AGENT


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do now and what to tell.

    actions: in order; stop at the first that fails. requeue_seconds: look again after so long,
    None = when something changes. done: never; the cluster's garbage collection ends an agent.
    """

    actions: tuple[Action, ...]
    status: AgentStatus
    requeue_seconds: float | None = None
    events: tuple[Event, ...] = ()
    done: bool = False


def next_step(
    agent: Agent,
    desired: Sequence[Json],
    observed: Observed,
    now: datetime,
    around: Surroundings,
    *,
    restricted: bool = False,
) -> Step:
    """Bring one agent one step closer to its spec. Level-triggered: any call at any time is right.

    restricted: its pods have no packet rules.
    """
    to_do = plan(agent, desired, observed)
    if to_do.taken:
        return _taken(agent, to_do, around, now)
    wanted = agent.desired_replicas
    states = pod_states(wanted, observed.pods, observed.refusals, agent.inbound is not None, now)
    facts = (_confined(restricted),)
    started = any(state.started for state in states)
    seen = Seen(states, _alive(observed), started, facts)
    status = running_status(agent, seen, around, now)
    return Step(
        actions=to_do.actions,
        status=msgspec.structs.replace(status, selector=f"{AGENT}={agent.key.name}"),
        requeue_seconds=_requeue(states),
    )


def leaving_step(observed: Observed, now: datetime, around: Surroundings) -> Step:
    """Tell of an agent that is being deleted; the cluster itself removes what is left."""
    status = terminating_status(around, len(observed.pods), now)
    return Step(actions=(), status=status)


def _taken(agent: Agent, to_do: Plan, around: Surroundings, now: datetime) -> Step:
    names = ", ".join(str(ref) for ref in to_do.taken)
    text = f"{names} exists and is not Pai's: rename the agent, or remove that object"
    status = rejected_status(agent.generation, "NameTaken", text, around, now)
    return Step(actions=(), status=status)


def _alive(observed: Observed) -> int:
    return sum(not leaving(pod) for pod in observed.pods)


def _confined(restricted: bool) -> Condition:
    if restricted:
        return Condition(
            type="EgressConfined",
            status="Partial",
            reason="NoPacketRules",
            message=REASONS["NoPacketRules"],
        )
    return condition("EgressConfined", True, "PacketRules")


def _requeue(states: Sequence[PodState]) -> float | None:
    waits = [state.after_seconds for state in states if state.after_seconds is not None]
    return min(waits, default=None)
