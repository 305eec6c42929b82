"""What a cluster holds of one agent, as the mirrors show it: plain JSON objects."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

Json = dict[str, Any]


class Ref(NamedTuple):
    """Identity of an object within its agent's namespace."""

    api_version: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """Everything seen of one agent.

    objects: by identity, of the kinds that are rendered, also those of others that bear a name
    we need. pods: with the agent's label. claims: with the agent's label. refusals: why the
    cluster makes no pods, newest first.
    """

    objects: Mapping[Ref, Json] = {}
    pods: tuple[Json, ...] = ()
    claims: tuple[Json, ...] = ()
    refusals: tuple[str, ...] = ()


def ref_of(document: Json) -> Ref:
    """Return the identity of an object."""
    return Ref(document["apiVersion"], document["kind"], document["metadata"]["name"])


def owner_uid(document: Json) -> str | None:
    """Return the uid of the AgentWorkload that an object belongs to, None when there is none."""
    for owner in document["metadata"].get("ownerReferences") or ():
        if owner.get("kind") == "AgentWorkload" and owner.get("controller"):
            return str(owner["uid"])
    return None


def leaving(document: Json) -> bool:
    """Say whether an object is being deleted."""
    return "deletionTimestamp" in document["metadata"]
