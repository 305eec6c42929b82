"""`--wait`: watch agents until what was asked for is true, or can't become true."""

import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from pai.cli.client import ApiError, Json, PlatformClient, WatchExpiredError
from pai.cli.failures import CommandError
from pai.cli.kinds import AGENT
from pai.cli.output.plain import parse_time
from pai.cli.output.resource import (
    conditions,
    desired_replicas,
    dig,
    items,
    name_of,
    number,
    text,
)
from pai.errors import TransientError

_RESTARTED_AT = "pai.io/restarted-at"
_GONE = 410
_UNAVAILABLE = 503
_SHORTEST_SECONDS = 0.05
_PAUSE_SECONDS = 0.2
_SETTLE_SECONDS = 1.0
_SILENCE_SECONDS = 40.0  # longer than the pause between two of control's signs of life

Agents = dict[str, Json]


class Progress(NamedTuple):
    """How far an agent is. failed: it will not get there by itself."""

    done: bool
    failed: bool
    message: str


def progress(agent: Json) -> Progress:
    """Say whether the newest spec of `agent` has taken effect. Pure."""
    phase = text(agent, "status", "phase") or "Creating"
    message = text(agent, "status", "message")
    said = f"{phase}: {message}" if message else phase
    if number(agent, "status", "observedGeneration") < number(agent, "metadata", "generation"):
        return Progress(False, False, said)
    refusals = [c for c in conditions(agent) if c.type == "Accepted" and c.status == "False"]
    if refusals:  # replicas of an older spec may still run
        return Progress(False, refusals[0].reason == "InvalidSpec", refusals[0].message)
    wanted = desired_replicas(agent)
    ready = number(agent, "status", "readyReplicas")
    done = ready >= wanted if wanted else number(agent, "status", "replicas") == 0
    return Progress(done and phase != "Failed", phase == "Failed", said)


def wait_until_ready(client: PlatformClient, names: Collection[str], seconds: float) -> None:
    """Return when all named agents run as their newest spec says.

    Raises CommandError naming the first that failed, or those that were late.
    """
    waiting: dict[str, str] = dict.fromkeys(names, "not seen yet")
    unproven: set[str] = set()

    def all_ready(agents: Agents) -> bool:
        for name in waiting.keys() & agents.keys():
            now = _unless_failed(name, progress(agents[name]))
            waiting[name] = now.message
            if now.done:
                del waiting[name]
                unproven.update([name] if _may_end_at_once(agents[name]) else [])
        return not waiting

    if waiting and not _watched(client, seconds, all_ready):
        late = ", ".join(f"{name} ({said})" for name, said in sorted(waiting.items()))
        hint = f"pai status {sorted(waiting)[0]}"
        raise CommandError(f"not ready after {seconds:g} s: {late}", hint=hint)
    if unproven:
        _settle(client, unproven)


def _may_end_at_once(agent: Json) -> bool:
    """Say whether readiness means no more than that the process began: no port proves more."""
    return dig(agent, "spec", "inbound") is None and desired_replicas(agent) > 0


def _settle(client: PlatformClient, names: Collection[str]) -> None:
    """Look for a moment whether agents stay up; raises CommandError when one does not."""

    def one_failed(agents: Agents) -> bool:
        for name in agents.keys() & set(names):
            _unless_failed(name, progress(agents[name]))
        return False

    _watched(client, _SETTLE_SECONDS, one_failed)


def wait_until_restarted(client: PlatformClient, agent: Json, seconds: float) -> None:
    """Return when the agent was down and is ready again. agent: as the restart call answered.

    Raises CommandError when it failed or was late.
    """
    name = name_of(agent)
    asked = parse_time(text(agent, "metadata", "annotations", _RESTARTED_AT))
    was_down = False
    said = ""

    def back(agents: Agents) -> bool:
        nonlocal was_down, said
        if name not in agents:
            return False
        now = _unless_failed(name, progress(agents[name]))
        said = now.message
        was_down = was_down or not now.done
        idle = desired_replicas(agents[name]) == 0
        return now.done and (was_down or idle or _turned_ready_after(agents[name], asked))

    if not _watched(client, seconds, back):
        raise CommandError(
            f"agent {name}: not ready after {seconds:g} s: {said}", hint=f"pai status {name}"
        )


def wait_until_gone(client: PlatformClient, name: str, seconds: float) -> None:
    """Return when the agent no longer exists; raises CommandError when it still does."""
    said = ""

    def gone(agents: Agents) -> bool:
        nonlocal said
        said = text(agents.get(name, {}), "status", "message")
        return name not in agents

    if not _watched(client, seconds, gone):
        late = f"agent {name} is still being deleted after {seconds:g} s"
        raise CommandError(f"{late}: {said}" if said else late, hint=f"pai status {name}")


def changes(
    client: PlatformClient, plural: str, deadline: float, *, patient: bool = False
) -> Iterator[Agents]:
    """Yield all resources of a kind by name: now, and again at each change until `deadline`.

    deadline: of time.monotonic(). A broken watch is taken up again, and after a time of silence
    the list is asked for anew, so that nothing hangs on one event. patient: bear a platform that
    does not answer from the start; once it has answered, that is borne in any case.
    Raises TransientError when it does not answer at the deadline.
    """
    while True:
        listed = _listed(client, plural, deadline, patient=patient)
        patient = True
        state = {name_of(item): item for item in listed["items"]}
        yield dict(state)
        try:
            yield from _followed(client, plural, str(listed["resourceVersion"]), state, deadline)
        except ApiError as error:
            if error.status not in (_GONE, _UNAVAILABLE):
                raise
            time.sleep(_PAUSE_SECONDS)
        except TransientError:
            # Silence up to the deadline looks like a broken connection, and is none.
            if time.monotonic() < deadline:
                time.sleep(_PAUSE_SECONDS)
        if time.monotonic() >= deadline:
            return


def _listed(client: PlatformClient, plural: str, deadline: float, *, patient: bool) -> Json:
    while True:
        try:
            return client.list_all(plural)
        except (ApiError, TransientError) as error:
            passing = getattr(error, "status", _UNAVAILABLE) == _UNAVAILABLE
            if not (patient and passing) or time.monotonic() >= deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _followed(
    client: PlatformClient, plural: str, version: str, state: Agents, deadline: float
) -> Iterator[Agents]:
    """Apply each change to `state` and yield a copy; ends with deadline, watch or a silence."""
    left = max(_SHORTEST_SECONDS, deadline - time.monotonic())
    signs = 0
    for event in client.watch(plural, version, min(left, _SILENCE_SECONDS)):
        if event is None:
            signs += 1
            if signs > 1 or time.monotonic() >= deadline:
                return  # nothing has happened for a while; the first sign is but a greeting
            continue
        if event["type"] == "ERROR":
            raise WatchExpiredError("the watch is too old")
        name = name_of(event["object"])
        state[name] = event["object"]
        if event["type"] == "DELETED":
            del state[name]
        yield dict(state)
        if time.monotonic() >= deadline:
            return


def _watched(client: PlatformClient, seconds: float, done: Callable[[Agents], bool]) -> bool:
    deadline = time.monotonic() + seconds
    return any(done(agents) for agents in changes(client, AGENT.plural, deadline, patient=True))


def _unless_failed(name: str, now: Progress) -> Progress:
    if now.failed:
        raise CommandError(f"agent {name}: {now.message}", hint=f"pai status {name}")
    return now


def _turned_ready_after(agent: Json, moment: datetime | None) -> bool:
    for item in items(agent, "status", "conditions"):
        turned = parse_time(text(item, "lastTransitionTime"))
        if text(item, "type") == "Ready" and dig(item, "status") == "True":
            return moment is not None and turned is not None and turned > moment
    return False
