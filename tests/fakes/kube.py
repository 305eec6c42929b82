"""An API server in memory, as far as the executor and the inventory use one."""

from collections import Counter
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

from pai.kube.errors import KubeRefusedError
from pai.kube.kinds import Json, Kind, kind_of


class FakeKube:
    """Stores objects; `calls` tells in which order it was asked."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str], Json] = {}
        self.told: list[tuple[str, str]] = []
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self._version = 100

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Json | None:
        self.told.append(("get", name))
        return deepcopy(self.stored.get((kind.kind, namespace or "", name)))

    async def list(self, kind: Kind, *_: Any, **__: Any) -> tuple[list[Json], str]:
        found = [deepcopy(v) for k, v in self.stored.items() if k[0] == kind.kind]
        return found, str(self._version)

    async def watch(self, *_: Any, **__: Any) -> AsyncIterator[tuple[str, Json]]:
        return
        yield

    async def apply(self, document: Json, *, manager: str, **_: Any) -> Json:
        assert manager in ("pai-control", "pai-scaler")
        metadata = document["metadata"]
        self.told.append(("apply", metadata["name"]))
        place = (document["kind"], metadata.get("namespace", ""), metadata["name"])
        known = self.stored.get(place, {}).get("metadata", {}).get("resourceVersion")
        if known is not None and metadata.get("resourceVersion", known) != known:
            raise KubeRefusedError(409, "Conflict", "the object has been modified")
        self._version += 1
        found = deepcopy(document)
        found["metadata"] |= {
            "uid": f"uid-{metadata['name']}",
            "resourceVersion": str(self._version),
        }
        self.stored[place] = found
        return deepcopy(found)

    async def patch(
        self, kind: Kind, name: str, namespace: str | None, patch: Json, *, manager: str
    ) -> Json:
        assert manager == "pai-control"
        self.told.append(("patch", name))
        return {**self.stored[kind.kind, namespace or "", name], "patched": patch}

    async def delete(
        self, kind: Kind, name: str, namespace: str | None = None, *, propagation: str, uid: str
    ) -> bool:
        self.told.append((f"delete {propagation} {uid}", name))
        return self.stored.pop((kind.kind, namespace or "", name), None) is not None

    def put(self, document: Json) -> None:
        metadata = document["metadata"]
        self.stored[kind_of(document).kind, metadata.get("namespace", ""), metadata["name"]] = (
            document
        )
