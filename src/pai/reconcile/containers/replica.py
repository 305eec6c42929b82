"""One replica's next step: gates between pause, prepare, sidecar, seed and agent."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from pai.reconcile.containers.actions import (
    Action,
    PullImage,
    RemoveContainer,
    RunContainer,
    StartContainer,
)
from pai.reconcile.containers.exits import describe_exit
from pai.reconcile.containers.history import FORGIVEN_AFTER_SECONDS, History, Record, backoff
from pai.reconcile.containers.observed import ImageState, Observed, ObservedContainer, Readiness
from pai.reconcile.event import Event
from pai.render.containers import ONE_SHOT, STEPS, Container, Step

POLL_SECONDS = 0.15
SLOW_POLL_SECONDS = 2.0
SETTLE_MAX_SECONDS = 10.0


class ReplicaStep(msgspec.Struct, frozen=True, kw_only=True):
    """What to do next about one replica, and what is to be told of it.

    ready: it serves. reason, waiting: what it waits for. failing: it is down for a fault.
    after_seconds: when to look again if nothing happens; None = only on a change.
    """

    number: int
    history: History
    actions: tuple[Action, ...] = ()
    ready: bool = False
    failing: bool = False
    reason: str = ""
    waiting: str = ""
    after_seconds: float | None = None
    events: tuple[Event, ...] = ()


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What one replica should hold and what it holds."""

    number: int
    wanted: tuple[Container, ...]
    have: Mapping[Step, ObservedContainer]
    images: Mapping[str, ImageState]
    readiness: Readiness
    history: History
    now: datetime


def view(
    number: int, wanted: Sequence[Container], seen: Observed, history: History, now: datetime
) -> View:
    """Return what concerns one replica."""
    return View(
        number=number,
        wanted=tuple(wanted),
        have=seen.replica(number),
        images=seen.images,
        readiness=seen.readiness.get(number, Readiness()),
        history=history,
        now=now,
    )


def stale(look: View) -> tuple[ObservedContainer, ...]:
    """Return the containers to replace or remove, in the order to remove them.

    A lost or changed pause container takes all others with it: their network namespace is gone.
    A container that never ran may lack its files: it counts as missing, and is replaced when run.
    """
    wanted = {container.step: container for container in look.wanted}
    pause = look.have.get("pause")
    lost = pause is None or not pause.running or pause.digest != wanted["pause"].digest
    found = []
    for step in reversed(STEPS):
        container = look.have.get(step)
        if container is None:
            continue
        if lost or _outdated(container, wanted.get(step), pause):
            found.append(container)
    return tuple(found)


def _outdated(
    container: ObservedContainer, wanted: Container | None, pause: ObservedContainer | None
) -> bool:
    if wanted is None or container.digest != wanted.digest:
        return True
    return wanted.joins is not None and (pause is None or container.pod != pause.identity)


def disruptive(look: View) -> bool:
    """Say whether bringing this replica up to date stops an agent that runs."""
    agent = look.have.get("agent")
    return agent is not None and agent.running and agent in stale(look)


def advance(look: View, *, may_replace: bool = True) -> ReplicaStep:
    """Return the next step of one replica.

    may_replace: False while another replica is down, so that not all are replaced at once.
    """
    outdated = stale(look)
    if outdated and not may_replace:
        return ReplicaStep(
            number=look.number,
            history=look.history,
            ready=serves(look),
            reason="WaitsItsTurn",
            waiting="waits its turn",
        )
    have = {step: item for step, item in look.have.items() if item not in outdated}
    grace = {container.step: container.grace_seconds for container in look.wanted}
    removals = tuple(
        RemoveContainer(item.name, item.id, grace.get(item.step, 0)) for item in outdated
    )
    step = _next(look, have)
    events = _loss(look, outdated) + step.events
    return msgspec.structs.replace(step, actions=removals + step.actions, events=events)


def _loss(look: View, outdated: tuple[ObservedContainer, ...]) -> tuple[Event, ...]:
    pause = look.have.get("pause")
    if pause is None or pause.running or not pause.started or pause not in outdated:
        return ()
    return (Event("Warning", "NetworkLost", f"replica {look.number} is rebuilt: pause ended"),)


def _next(look: View, have: Mapping[Step, ObservedContainer]) -> ReplicaStep:
    history, events = look.history, tuple[Event, ...]()
    for wanted in look.wanted:
        container = have.get(wanted.step)
        if container is None or not (container.running or container.started):
            return _run(look, wanted, history)
        record = history.of(wanted.name, wanted.digest)
        if container.running:
            waiting = _unsettled(look, wanted, container, record)
            if waiting is not None:
                ahead = _seeding(look, have) if wanted.step == "sidecar" else ()
                return msgspec.structs.replace(
                    waiting, history=history, events=events, actions=ahead
                )
            continue
        if wanted.step in ONE_SHOT and container.exit_code == 0:
            continue
        return _restart(look, wanted, container, record)
    return ReplicaStep(number=look.number, history=history, ready=True)


def _seeding(look: View, have: Mapping[Step, ObservedContainer]) -> tuple[Action, ...]:
    """Return how to begin seeding while the sidecar gets ready: it needs no network."""
    for wanted in look.wanted:
        container = have.get(wanted.step)
        if wanted.step == "seed" and (container is None or not container.started):
            return _run(look, wanted, look.history).actions
    return ()


def _run(look: View, wanted: Container, history: History) -> ReplicaStep:
    """Run a missing container once its image is there and any backoff is over."""
    image = look.images.get(wanted.image, ImageState(present=False))
    if not image.present:
        return _fetch(look, wanted, image)
    record = history.of(wanted.name, wanted.digest)
    if record.refused_at is not None:
        left = record.refused_at + backoff(record.failures) - look.now
        if left > timedelta():
            return ReplicaStep(
                number=look.number,
                history=history,
                failing=True,
                reason="StartRefused",
                waiting=f"{wanted.step} can't be started: {record.error}",
                after_seconds=left.total_seconds(),
            )
    return ReplicaStep(
        number=look.number,
        history=history,
        actions=(RunContainer(wanted),),
        failing=bool(record.error),
        reason="StartRefused" if record.error else "Starting",
        waiting=f"{wanted.step} can't be started: {record.error}"
        if record.error
        else f"starts {wanted.step}",
        after_seconds=0.0,
    )


def _fetch(look: View, wanted: Container, image: ImageState) -> ReplicaStep:
    if image.progress is not None:
        if image.error is not None:  # why it failed stays in sight while it may fail again
            text = f"image {wanted.image} can't be pulled: {image.error} (tries again)"
            return _image_step(look, (), "ImagePullFailed", text, 1.0)
        text = f"pulls image {wanted.image}: {image.progress}"
        return _image_step(look, (), "PullingImage", text, 1.0)
    if image.error is None or image.failed_at is None:
        pull = (PullImage(wanted.image),)
        return _image_step(look, pull, "PullingImage", f"pulls image {wanted.image}", 0.5)
    left = (image.failed_at + backoff(image.failures) - look.now).total_seconds()
    actions = () if left > 0 else (PullImage(wanted.image),)
    text = f"image {wanted.image} can't be pulled: {image.error}"
    return _image_step(look, actions, "ImagePullFailed", text, max(left, 0.5))


def _image_step(
    look: View, actions: tuple[Action, ...], reason: str, text: str, after: float
) -> ReplicaStep:
    return ReplicaStep(
        number=look.number,
        history=look.history,
        actions=actions,
        failing=reason == "ImagePullFailed",
        reason=reason,
        waiting=text,
        after_seconds=after,
    )


def _unsettled(
    look: View, wanted: Container, container: ObservedContainer, record: Record
) -> ReplicaStep | None:
    """Return what a running container is waited for, or None when the next gate is open."""
    up = (look.now - (container.started_at or look.now)).total_seconds()
    poll = POLL_SECONDS if up < SETTLE_MAX_SECONDS else SLOW_POLL_SECONDS
    text, reason = "", "Starting"
    if wanted.step in ONE_SHOT:
        text = f"waits for {wanted.step} to finish"
    elif wanted.step == "sidecar" and not look.readiness.sidecar:
        text, reason = "waits for the sidecar to be ready", "SidecarNotReady"
    elif wanted.step == "agent" and look.readiness.inbound is False:
        text, reason = "waits for the agent to accept connections", "PortClosed"
    elif wanted.step == "agent" and up < settle_seconds(record):
        poll = settle_seconds(record) - up
        text = "started again, waits to see whether the agent stays up"
        if record.told:  # why it failed stays in sight while it may fail again
            text, reason = f"{record.told} ({text})", record.reason
    if not text:
        return None
    return ReplicaStep(
        number=look.number,
        history=look.history,
        failing=bool(record.failures) and reason != "PortClosed" and wanted.step == "agent",
        reason=reason,
        waiting=text,
        after_seconds=poll,
    )


def settle_seconds(record: Record) -> float:
    """Return how long a restarted container must run before it counts as well again."""
    if not record.failures:
        return 0.0
    return min(backoff(record.failures).total_seconds(), SETTLE_MAX_SECONDS)


def _restart(
    look: View, wanted: Container, container: ObservedContainer, record: Record
) -> ReplicaStep:
    """Count an exit once, wait its backoff out, then start the container again."""
    ended = container.finished_at or look.now
    mark = ended.isoformat()
    events: tuple[Event, ...] = ()
    text = describe_exit(container, wanted)
    reason = "OOMKilled" if container.oom_killed else "Exited"
    if record.exit_at != mark:
        ran = (ended - (container.started_at or ended)).total_seconds()
        failures = 1 if ran >= FORGIVEN_AFTER_SECONDS else record.failures + 1
        record = Record(
            digest=wanted.digest, failures=failures, exit_at=mark, reason=reason, told=text
        )
        events = (Event("Warning", "Exited", f"replica {look.number}: {text}"),)
    due = max(ended, record.refused_at or ended) + backoff(record.failures)
    left = (due - look.now).total_seconds()
    actions = () if left > 0 else (StartContainer(container.name, container.id),)
    return ReplicaStep(
        number=look.number,
        history=look.history.with_record(wanted.name, record),
        actions=actions,
        failing=True,
        reason=reason,
        waiting=text,
        after_seconds=max(left, 0.0),
        events=events,
    )


def serves(look: View) -> bool:
    """Say whether a replica is up as it is, outdated or not."""
    agent = look.have.get("agent")
    up = agent is not None and agent.running
    return up and look.readiness.sidecar and look.readiness.inbound is not False
