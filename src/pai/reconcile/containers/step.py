"""The next step for one agent: all the thinking of a reconcile, none of the doing.

Called by control's worker with what it read; what comes back is written and carried out.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from pai.ir.agent import Agent
from pai.reconcile.containers.actions import Action
from pai.reconcile.containers.history import History
from pai.reconcile.containers.observed import Observed
from pai.reconcile.containers.plan import containers_of, leftovers, missing_volumes
from pai.reconcile.containers.replica import ReplicaStep, View, advance, disruptive, serves, view
from pai.reconcile.event import Event
from pai.reconcile.status import (
    AgentStatus,
    Seen,
    Surroundings,
    running_status,
    terminating_status,
)
from pai.render.containers import Container, Manifest

REMOVAL_POLL_SECONDS = 0.5


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What to do now and what to tell.

    actions: in order; stop at the first that fails. requeue_seconds: look again after so long,
    None = when something changes. history: to be kept *before* the actions are carried out.
    done: deletion is complete.
    """

    actions: tuple[Action, ...]
    status: AgentStatus
    requeue_seconds: float | None
    events: tuple[Event, ...]
    history: History
    done: bool = False


def next_step(
    agent: Agent | None,
    desired: Sequence[Manifest],
    observed: Observed,
    history: History,
    now: datetime,
    around: Surroundings | None = None,
    *,
    delete_volumes: bool = False,
) -> Step:
    """Bring one agent one step closer to its spec. Level-triggered: any call at any time is right.

    agent: None once deletion has begun; `desired` is then empty. delete_volumes: with a deletion,
    take the agent's data along.
    """
    around = around or Surroundings()
    if agent is None:
        return _delete(observed, now, around, delete_volumes=delete_volumes)
    wanted = containers_of(desired)
    history = history.only(_names(desired))
    steps, history = _advance_all(wanted, observed, history, now)
    actions = [*leftovers(desired, observed), *missing_volumes(desired, observed)]
    actions += [action for step in steps for action in step.actions]
    waits = [step.after_seconds for step in steps if step.after_seconds is not None]
    if actions:
        waits.append(0.0)
    return Step(
        actions=tuple(actions),
        status=running_status(agent, seen_of(observed, steps), around, now),
        requeue_seconds=min(waits, default=None),
        events=tuple(event for step in steps for event in step.events),
        history=history,
    )


def _delete(
    observed: Observed, now: datetime, around: Surroundings, *, delete_volumes: bool
) -> Step:
    actions = tuple(leftovers((), observed, delete_data=delete_volumes))
    return Step(
        actions=actions,
        status=terminating_status(around, len({item.replica for item in observed.containers}), now),
        requeue_seconds=REMOVAL_POLL_SECONDS if actions else None,
        events=(),
        history=History(),
        done=not actions,
    )


def seen_of(observed: Observed, steps: Sequence[ReplicaStep]) -> Seen:
    """Return what the status tells of an agent's containers."""
    containers = observed.containers
    return Seen(
        replicas=tuple(steps),
        live=len({item.replica for item in containers if item.step == "agent"}),
        started=any(item.started or item.running for item in containers),
    )


def _advance_all(
    wanted: dict[int, list[Container]], observed: Observed, history: History, now: datetime
) -> tuple[list[ReplicaStep], History]:
    """Step every replica; of those that serve, at most one is replaced at a time."""
    steps: list[ReplicaStep] = []
    looks = {
        number: view(number, containers, observed, history, now)
        for number, containers in sorted(wanted.items())
    }
    chosen = _to_replace(looks)
    for number, look in looks.items():
        look = msgspec.structs.replace(look, history=history)
        step = advance(look, may_replace=number == chosen or not disruptive(look))
        history = step.history
        steps.append(step)
    return steps, history


def _to_replace(looks: dict[int, View]) -> int | None:
    """Return the one replica whose running agent may be stopped for a newer one now.

    A replica that does not serve anyway goes first; else every other one has to serve.
    """
    outdated = [number for number, look in looks.items() if disruptive(look)]
    if not outdated:
        return None
    down = [number for number, look in looks.items() if not serves(look)]
    idle = [number for number in outdated if number in down]
    if idle:
        return idle[0]
    return None if down else outdated[0]


def _names(desired: Sequence[Manifest]) -> frozenset[str]:
    return frozenset(item.name for item in desired if isinstance(item, Container))
