"""Fields that are accepted and validated, but have no effect yet. The list shrinks.

`apply` warns about them, status names them in a condition, docs/reference/pending.md lists them.
"""

from collections.abc import Callable
from typing import NamedTuple

from pai.api.agentworkload import AgentWorkload
from pai.api.kinds import Resource
from pai.api.provider import Provider


class PendingFeature(NamedTuple):
    """A field without effect.

    what: does not happen. until: what happens instead. used_by: says whether a resource uses it.
    """

    kind: str
    path: str
    what: str
    until: str
    used_by: Callable[[Resource], bool]


class PendingUse(NamedTuple):
    """One use of such a field. message: for people, with the path."""

    path: str
    message: str


BUILT_PROVIDER_TYPES = ("http-token",)

PENDING: tuple[PendingFeature, ...] = (
    PendingFeature(
        "AgentWorkload",
        "spec.autoscaling",
        "the replica count does not follow the load",
        "`replicas` is what runs",
        lambda r: isinstance(r, AgentWorkload) and r.spec.autoscaling is not None,
    ),
    PendingFeature(
        "AgentWorkload",
        "spec.cdpRelay",
        "no browser can be lent to the agent",
        "the token is kept as a hash, nothing listens for it",
        lambda r: isinstance(r, AgentWorkload) and r.spec.cdp_relay is not None,
    ),
    PendingFeature(
        "AgentWorkload",
        "spec.filesystem",
        "writing is not confined",
        "the agent starts unconfined, unless `enforcement` is `strict`: then it does not start",
        lambda r: isinstance(r, AgentWorkload) and r.spec.filesystem is not None,
    ),
    PendingFeature(
        "AgentWorkload",
        "spec.expose",
        "directories are not served",
        "the paths answer as `inbound` does",
        lambda r: isinstance(r, AgentWorkload) and bool(r.spec.expose),
    ),
    PendingFeature(
        "Provider",
        "spec.type",
        "only type http-token works",
        "the hosts of other types are refused",
        lambda r: isinstance(r, Provider) and r.spec.type not in BUILT_PROVIDER_TYPES,
    ),
)


def pending_uses(resource: Resource) -> list[PendingUse]:
    """Return what the resource uses that has no effect yet. Shape: in the order of `PENDING`."""
    return [
        PendingUse(
            feature.path,
            f"{feature.path}: no effect yet: {feature.what}; {feature.until}",
        )
        for feature in PENDING
        if feature.used_by(resource)
    ]


def pending_warnings(resource: Resource) -> list[str]:
    """Return one warning for each field of the resource that has no effect yet."""
    return [use.message for use in pending_uses(resource)]
