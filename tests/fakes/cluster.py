"""A cluster in memory, as far as installing needs one: server-side apply, lists, deletion.

What a real API server does with the same calls is shown by tests/cluster/test_install.py.
"""

from copy import deepcopy
from itertools import count
from typing import Any

from pai.kube import Json, Kind, KubeRefusedError, KubeUnavailableError, kind_of

Key = tuple[str, str, str]


class FakeCluster:
    """Holds objects by kind, namespace and name. ready: what is applied is at once available."""

    namespace = "default"

    def __init__(self, *, ready: bool = True, version: str = "34") -> None:
        self.objects: dict[Key, Json] = {}
        self.writes: list[str] = []
        self.ready = ready
        self.away = 0
        self.refused: dict[str, int] = {}
        self._minor = version
        self._versions = count(1)

    def put(self, document: Json) -> None:
        """Store an object as it is."""
        self.objects[self._key(kind_of(document), document["metadata"])] = deepcopy(document)

    def named(self, kind: str, name: str) -> Json | None:
        """Return an object of whichever namespace."""
        found = [item for key, item in self.objects.items() if key[::2] == (kind, name)]
        return found[0] if found else None

    async def version(self) -> Json:
        return {"major": "1", "minor": f"{self._minor}+", "gitVersion": f"v1.{self._minor}.1"}

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Json | None:
        self._answer(kind)
        found = self.objects.get((kind.kind, namespace or "" if kind.namespaced else "", name))
        return deepcopy(found)

    async def list(
        self, kind: Kind, namespace: str | None = None, labels: str | None = None
    ) -> tuple[list[Json], str]:
        self._answer(kind)
        found = [
            deepcopy(item)
            for key, item in sorted(self.objects.items())
            if key[0] == kind.kind and namespace in (None, key[1]) and _matches(item, labels)
        ]
        return found, "1"

    async def apply(self, document: Json, *, manager: str) -> Json:
        kind = kind_of(document)
        self._answer(kind)
        key = self._key(kind, document["metadata"])
        before = self.objects.get(key)
        applied = {name: value for name, value in document.items() if name != "status"}
        if before is not None and before["applied"] == applied:
            return deepcopy(before)
        self.writes.append(f"{kind.kind}/{key[2]}")
        stored = {**deepcopy(document), "applied": applied}
        stored["metadata"] |= {
            "resourceVersion": str(next(self._versions)),
            "generation": 1,
            "managedFields": [{"manager": manager}],
        }
        if self.ready:
            stored["status"] = _ready(kind.kind, stored)
        self.objects[key] = stored
        return deepcopy(stored)

    async def delete(
        self, kind: Kind, name: str, namespace: str | None = None, *, propagation: str = ""
    ) -> bool:
        self.writes.append(f"delete {kind.kind}/{name}")
        if kind.kind == "Namespace":
            self.objects = {key: item for key, item in self.objects.items() if key[1] != name}
        place = namespace or "" if kind.namespaced else ""
        return self.objects.pop((kind.kind, place, name), None) is not None

    async def close(self) -> None:
        """Nothing is open."""

    def _answer(self, kind: Kind) -> None:
        if self.away:
            self.away -= 1
            raise KubeUnavailableError("the API server is out of reach")
        status = self.refused.get(kind.kind)
        if status:
            raise KubeRefusedError(status, "Refused", f"{kind.plural} is refused")

    @staticmethod
    def _key(kind: Kind, metadata: Json) -> Key:
        place = str(metadata.get("namespace") or "") if kind.namespaced else ""
        return (kind.kind, place, str(metadata["name"]))


def _matches(item: Json, labels: str | None) -> bool:
    wanted = dict(part.split("=") for part in labels.split(",")) if labels else {}
    return wanted.items() <= (item["metadata"].get("labels") or {}).items()


def _ready(kind: str, document: Json) -> dict[str, Any]:
    conditions = [{"type": kind, "status": "True"} for kind in ("Available", "Established")]
    if kind != "Deployment":
        return {"conditions": conditions}
    names = ("replicas", "updatedReplicas", "availableReplicas")
    counts = dict.fromkeys(names, document["spec"]["replicas"])
    return {"observedGeneration": 1, "conditions": conditions, **counts}
