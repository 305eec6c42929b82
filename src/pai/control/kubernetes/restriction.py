"""Which namespaces want pods without any privilege: their labels say so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
        return _wanted(self.mirror.objects.get(("", namespace), {}))

    @contextmanager
    def told(self, listener: Callable[[str], None]) -> Iterator[None]:
        """Tell `listener` each namespace whose answer changes, as long as the block lasts."""
        known = {name for _, name in self.mirror.objects if self.of(name)}

        def changed(change: str, namespace: Json) -> None:
            name = str(namespace["metadata"]["name"])
            wanted = change != "DELETED" and _wanted(namespace)
            if wanted is not (name in known):
                known.symmetric_difference_update((name,))
                listener(name)

        end = self.mirror.subscribe(changed)
        try:
            yield
        finally:
            end()


def _wanted(namespace: Json) -> bool:
    labels = namespace.get("metadata", {}).get("labels") or {}
    return labels.get(RESTRICTED) == "true" or labels.get(_ENFORCED) == "restricted"


def _labels(document: Json) -> Json:
    metadata = document["metadata"]
    kept = ("name", "uid", "labels", "resourceVersion")
    return {"metadata": {name: metadata[name] for name in kept if name in metadata}}
