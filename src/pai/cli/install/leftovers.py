"""Objects that an older version installed and this one no longer has; pure but for the list."""

from collections.abc import Iterable, Sequence
from typing import Final

from pai.kube import Json, Kind, Kube
from pai.kube.kinds import (
    API_SERVICES,
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    INGRESSES,
    NETWORK_POLICIES,
    PDBS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from pai.render.platform import INSTALLER, MANAGED_BY, PART_OF

# In the order in which they are deleted. Claims, definitions and namespaces are not among them.
KINDS: Final[tuple[Kind, ...]] = (
    API_SERVICES,
    INGRESSES,
    DEPLOYMENTS,
    SERVICES,
    PDBS,
    NETWORK_POLICIES,
    CONFIG_MAPS,
    SECRETS,
    ROLE_BINDINGS,
    ROLES,
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    SERVICE_ACCOUNTS,
)
LABELS = f"{PART_OF}=pai,{MANAGED_BY}={INSTALLER}"
_SHARED_NAMESPACE = "kube-system"  # holds one RoleBinding of ours

Found = tuple[Kind, Json]
Identity = tuple[str, str, str]


async def installed(kube: Kube, namespace: str) -> list[Found]:
    """Return everything that bears the installer's labels, in the order to delete it."""
    found: list[Found] = []
    for kind in KINDS:
        for place in (namespace, _SHARED_NAMESPACE) if kind == ROLE_BINDINGS else (namespace,):
            items, _ = await kube.list(kind, place if kind.namespaced else None, LABELS)
            found += [(kind, item) for item in items]
    return found


def leftovers(found: Iterable[Found], wanted: Iterable[Json]) -> list[Found]:
    """Return what this installer applied once and is not wanted any more. Pure."""
    keep = {_identity(document) for document in wanted}
    return [(kind, item) for kind, item in found if _identity(item) not in keep and applied(item)]


def applied(item: Json) -> bool:
    """Say whether the installer is a field manager of `item`; copies by others stay. Pure."""
    managers: Sequence[Json] = item["metadata"].get("managedFields") or ()
    return any(entry.get("manager") == INSTALLER for entry in managers)


def _identity(document: Json) -> Identity:
    metadata = document["metadata"]
    return (str(document["kind"]), str(metadata.get("namespace") or ""), str(metadata["name"]))
