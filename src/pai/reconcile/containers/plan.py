"""All that separates an engine from what is desired, whatever the order in time."""

from collections.abc import Iterable
from datetime import UTC, datetime

from pai.reconcile.containers.actions import (
    Action,
    CreateVolume,
    RemoveContainer,
    RemoveVolume,
    RunContainer,
    StartContainer,
)
from pai.reconcile.containers.history import History
from pai.reconcile.containers.observed import Observed, ObservedContainer
from pai.reconcile.containers.replica import View, stale, view
from pai.render.containers import ONE_SHOT, Container, Manifest, VolumeSpec


def containers_of(desired: Iterable[Manifest]) -> dict[int, list[Container]]:
    """Return the containers of each replica, in the order given."""
    found: dict[int, list[Container]] = {}
    for manifest in desired:
        if isinstance(manifest, Container):
            found.setdefault(manifest.replica, []).append(manifest)
    return found


def missing_volumes(desired: Iterable[Manifest], observed: Observed) -> list[Action]:
    """Return the volumes still to be made."""
    present = {volume.name for volume in observed.volumes}
    return [
        CreateVolume(manifest)
        for manifest in desired
        if isinstance(manifest, VolumeSpec) and manifest.name not in present
    ]


def leftovers(
    desired: Iterable[Manifest], observed: Observed, *, delete_data: bool = False
) -> list[Action]:
    """Return what to remove of replicas that are no longer wanted.

    A volume is removed only once its replica has no container left, and one that holds data only
    if asked for: it outlives a mistake.
    """
    kept = set(containers_of(desired))
    gone = [item for item in observed.containers if item.replica not in kept]
    actions: list[Action] = [_removal(item) for item in sorted(gone, key=_removal_order)]
    busy = {item.replica for item in gone} | kept
    removable = [volume for volume in observed.volumes if volume.replica not in busy]
    actions += [RemoveVolume(volume.name) for volume in removable if delete_data or not volume.keep]
    return actions


# The plan is about what differs, not about when: any moment does.
_NEVER = datetime.min.replace(tzinfo=UTC)
_ORDER = {"agent": 0, "seed": 1, "sidecar": 2, "prepare": 3, "pause": 4}
_GRACE_SECONDS = {"agent": 10, "sidecar": 3}


def _removal_order(container: ObservedContainer) -> tuple[int, int]:
    return container.replica, _ORDER[container.step]


def _removal(container: ObservedContainer) -> RemoveContainer:
    grace = _GRACE_SECONDS.get(container.step, 0) if container.running else 0
    return RemoveContainer(container.name, container.id, grace)


def plan(
    desired: Iterable[Manifest], observed: Observed, *, delete_data: bool = False
) -> list[Action]:
    """Return the actions still to do; [] when the engine already holds `desired`."""
    manifests = tuple(desired)
    actions = missing_volumes(manifests, observed)
    actions += leftovers(manifests, observed, delete_data=delete_data)
    for number, wanted in sorted(containers_of(manifests).items()):
        look = view(number, wanted, observed, History(), _NEVER)
        actions += _replica(look)
    return actions


def _replica(look: View) -> list[Action]:
    outdated = stale(look)
    actions: list[Action] = [RemoveContainer(item.name, item.id) for item in outdated]
    for wanted in look.wanted:
        container = look.have.get(wanted.step)
        if container is None or container in outdated or not _ran(container):
            actions.append(RunContainer(wanted))
        elif not container.running and not (wanted.step in ONE_SHOT and container.exit_code == 0):
            actions.append(StartContainer(container.name, container.id))
    return actions


def _ran(container: ObservedContainer) -> bool:
    return container.running or container.started
