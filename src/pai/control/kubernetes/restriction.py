"""Which namespaces want pods without any privilege: their labels say so."""

from pai.kube import Kube, Mirror
from pai.kube.kinds import NAMESPACES
from pai.reconcile.kubernetes import Json

RESTRICTED = "pai.io/restricted"
_ENFORCED = "pod-security.kubernetes.io/enforce"


class Restriction:
    """A mirror of the namespaces' labels."""

    def __init__(self, kube: Kube) -> None:
        self.mirror = Mirror(kube, NAMESPACES, trim=_labels)

    def of(self, namespace: str) -> bool:
        """Say whether pods of a namespace must do without packet rules."""
        found = self.mirror.objects.get(("", namespace), {})
        labels = found.get("metadata", {}).get("labels") or {}
        return labels.get(RESTRICTED) == "true" or labels.get(_ENFORCED) == "restricted"


def _labels(document: Json) -> Json:
    metadata = document["metadata"]
    kept = ("name", "labels", "resourceVersion")
    return {"metadata": {name: metadata[name] for name in kept if name in metadata}}
