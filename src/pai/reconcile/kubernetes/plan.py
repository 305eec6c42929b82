"""All that separates a cluster from what is desired of one agent."""

from collections.abc import Iterable
from typing import NamedTuple

from pai.api.quantity import size_bytes
from pai.ir.agent import Agent
from pai.reconcile.kubernetes.actions import Action, Apply, Delete, Patch
from pai.reconcile.kubernetes.holds import holds
from pai.reconcile.kubernetes.observed import (
    Json,
    Observed,
    Ref,
    leaving,
    owner_uid,
    ref_of,
)
from pai.render.kubernetes import scaled_elsewhere
from pai.render.labels import DIGEST

SCALER = "pai-scaler"
"""Field manager of the replicas of a workload that the autoscaler owns."""
SCALED = "pai.io/scaled-by"
_WORKLOADS = ("Deployment", "StatefulSet")
_FIXED = {
    "StatefulSet": ("serviceName", "selector", "podManagementPolicy", "volumeClaimTemplates"),
    "Deployment": ("selector",),
}


class Plan(NamedTuple):
    """What to do, and what stands in the way.

    taken: names we need that belong to objects of others. waits: an object of ours is still
    going away; look again when it is gone.
    """

    actions: tuple[Action, ...]
    taken: tuple[Ref, ...] = ()
    waits: bool = False


def plan(agent: Agent, desired: Iterable[Json], observed: Observed) -> Plan:
    """Return the actions still to do; none when the cluster already holds `desired`.

    Claims are never deleted here: an agent's data outlives a mistake.
    """
    wanted = {ref_of(document): document for document in desired}
    actions: list[Action] = []
    taken: list[Ref] = []
    waits = False
    for ref, document in wanted.items():
        stored = observed.objects.get(ref)
        if stored is not None and owner_uid(stored) is None:
            taken.append(ref)
        elif stored is not None and leaving(stored):
            waits = True
        elif document["kind"] in _WORKLOADS and scaled_elsewhere(agent):
            actions += _scaled(agent, document, stored)
        else:
            actions += _towards(agent, document, stored)
    actions += _leftovers(wanted.keys(), observed)
    actions += _growth(wanted.values(), observed)
    return Plan(tuple(actions), tuple(taken), waits)


def _towards(agent: Agent, document: Json, stored: Json | None) -> list[Action]:
    if stored is None:
        return [Apply(document)]
    uid = str(stored["metadata"]["uid"])
    if owner_uid(stored) != agent.uid:  # of an earlier agent of that name
        return [Delete(ref_of(document), uid)]
    if not _can_become(stored, document):
        # Its pods stay and are taken over by the one that is made next.
        return [Delete(ref_of(document), uid, orphan=True)]
    marks = stored["metadata"].get("annotations") or {}
    same = marks.get(DIGEST) == document["metadata"]["annotations"][DIGEST]
    return [] if same and holds(stored, document) else [Apply(document)]


def _scaled(agent: Agent, document: Json, stored: Json | None) -> list[Action]:
    """Return the way to a workload whose replicas the autoscaler owns from then on.

    It starts with the author's count. That field is given to another manager before ours lets go
    of it, or the API server would set its own default in between.
    """
    given = {**document["metadata"]["annotations"], SCALED: SCALER}
    final = {**document, "metadata": {**document["metadata"], "annotations": given}}
    if stored is None:
        count = {"replicas": agent.desired_replicas}
        return [Apply({**document, "spec": {**document["spec"], **count}})]
    found = _towards(agent, final, stored)
    if (stored["metadata"].get("annotations") or {}).get(SCALED) == SCALER:
        return found
    if any(isinstance(action, Delete) for action in found):
        return found
    return [Apply(_count(document, agent.desired_replicas), SCALER), Apply(final)]


def _count(document: Json, replicas: int) -> Json:
    """Return a workload's number of replicas and nothing else of it."""
    kept = {name: document["metadata"][name] for name in ("name", "namespace")}
    head = {name: document[name] for name in ("apiVersion", "kind")}
    return {**head, "metadata": kept, "spec": {"replicas": replicas}}


def _can_become(stored: Json, document: Json) -> bool:
    """Say whether only fields differ that the API server lets change."""
    have, want = stored.get("spec") or {}, document.get("spec") or {}
    fixed = _FIXED.get(document["kind"], ())
    templates = [len(spec.get("volumeClaimTemplates") or ()) for spec in (have, want)]
    same = all(holds(have.get(name), want.get(name)) for name in fixed)
    return same and templates[0] == templates[1]


def _leftovers(wanted: Iterable[Ref], observed: Observed) -> list[Action]:
    """Return what to remove of our own objects that are no longer rendered."""
    kept = set(wanted)
    return [
        Delete(ref, str(stored["metadata"]["uid"]))
        for ref, stored in sorted(observed.objects.items())
        if ref not in kept and owner_uid(stored) is not None and not leaving(stored)
    ]


def _growth(desired: Iterable[Json], observed: Observed) -> list[Action]:
    """Return the claims that are smaller than their template asks for now."""
    sizes: dict[str, str] = {}
    for document in desired:
        if document["kind"] == "StatefulSet":
            prefix = document["metadata"]["name"]
            for template in document["spec"].get("volumeClaimTemplates") or ():
                start = f"{template['metadata']['name']}-{prefix}-"
                sizes[start] = template["spec"]["resources"]["requests"]["storage"]
    actions: list[Action] = []
    for claim in observed.claims:
        start, _, _ = claim["metadata"]["name"].rpartition("-")
        size = sizes.get(f"{start}-")
        requests = claim["spec"]["resources"]["requests"]
        if size is not None and size_bytes(requests["storage"]) < size_bytes(size):
            change = {"spec": {"resources": {"requests": {"storage": size}}}}
            actions.append(
                Patch(Ref("v1", "PersistentVolumeClaim", claim["metadata"]["name"]), change)
            )
    return actions
