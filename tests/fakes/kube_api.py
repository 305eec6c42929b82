"""An API server in memory, as far as `pai.kube` and the cluster's store use one.

Speaks HTTP to the client's own transport, so that answers are read as from a real one. The tests
in tests/cluster make the same claims to a real API server.
"""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2

from pai.kube import Kube
from pai.kube.connection import Connection
from pai.kube.kinds import Json

Change = tuple[int, str, str, Json]


class KubeApi:
    """Objects by path. faults: answers to give instead of the true one, by method.

    broken: as if nothing listened. asked: calls by method.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.version = 100
        self.oldest = 0
        self.broken = False
        self.faults: dict[str, list[httpx2.Response]] = {}
        self.asked: Counter[str] = Counter()
        self._history: list[Change] = []
        self._uids = itertools.count(1)
        self._watchers: set[asyncio.Queue[bytes | None]] = set()

    def kube(self) -> Kube:
        """Return a client of this server."""
        transport = httpx2.MockTransport(self._answer)
        return Kube(
            Connection(
                httpx2.AsyncClient(transport=transport, base_url="http://api"), namespace="default"
            )
        )

    def put(self, path: str, document: Json) -> Json:
        """Store an object as somebody else would; path: of the object."""
        before = self.objects.get(path)
        metadata = document.setdefault("metadata", {})
        if "/namespaces/" in path:
            metadata["namespace"] = path.split("/namespaces/")[1].split("/")[0]
        metadata["name"] = path.rpartition("/")[2]
        metadata["uid"] = before["metadata"]["uid"] if before else f"uid-{next(self._uids)}"
        self._store("MODIFIED" if before else "ADDED", path, document)
        self.objects[path] = document
        return document

    def remove(self, path: str) -> None:
        """Remove an object as somebody else would."""
        self._store("DELETED", path, self.objects.pop(path))

    def cut(self) -> None:
        """End all watches, as a restart of the server does."""
        for watcher in tuple(self._watchers):
            watcher.put_nowait(None)

    def forget(self) -> None:
        """Drop the history: older versions can't be watched from any more."""
        self.oldest = self.version

    def bookmark(self) -> None:
        """Tell all watches how far they have come."""
        self._tell("BOOKMARK", {"metadata": {"resourceVersion": str(self.version)}})

    def _store(self, kind: str, path: str, document: Json) -> None:
        self.version += 1
        document["metadata"]["resourceVersion"] = str(self.version)
        found = json.loads(json.dumps(document))
        self._history.append((self.version, kind, path, found))
        self._tell(kind, found)

    def _tell(self, kind: str, found: Json) -> None:
        for watcher in self._watchers:
            watcher.put_nowait(_line(kind, found))

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked[request.method] += 1
        await asyncio.sleep(0)
        if self.broken:
            raise httpx2.ConnectError("nobody listens", request=request)
        if self.faults.get(request.method):
            return self.faults[request.method].pop(0)
        path, query = request.url.path, dict(request.url.params)
        if request.method == "GET":
            return self._read(path, query)
        body = json.loads(request.content) if request.content else {}
        writers: dict[str, Callable[[str, Json], httpx2.Response]] = {
            "POST": self._create,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }
        return writers[request.method](path, body)

    def _read(self, path: str, query: dict[str, str]) -> httpx2.Response:
        if "watch" in query:
            return self._watch(path, int(query["resourceVersion"]))
        if path in self.objects:
            return _json(200, self.objects[path])
        items = [item for place, item in sorted(self.objects.items()) if _in(place, path)]
        if not items and path.rpartition("/")[2] not in _PLURALS:
            return refusal(404, "NotFound", f"{path} not found")
        start = int(query.get("continue", 0))
        limit = int(query.get("limit", 1_000_000))
        more = {"continue": str(start + limit)} if len(items) > start + limit else {}
        metadata = {"resourceVersion": str(self.version), **more}
        return _json(200, {"metadata": metadata, "items": items[start : start + limit]})

    def _watch(self, path: str, version: int) -> httpx2.Response:
        if version < self.oldest:
            status = json.loads(refusal(410, "Expired", "too old resource version").content)
            return httpx2.Response(200, content=_line("ERROR", status))
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        for at, kind, place, found in self._history:
            if at > version and _in(place, path):
                queue.put_nowait(_line(kind, found))
        self._watchers.add(queue)

        async def stream() -> AsyncIterator[bytes]:
            try:
                while (line := await queue.get()) is not None:
                    yield line
            finally:
                self._watchers.discard(queue)

        return httpx2.Response(200, content=stream())

    def _create(self, path: str, body: Json) -> httpx2.Response:
        place = f"{path}/{body['metadata']['name']}"
        if place in self.objects:
            return refusal(409, "AlreadyExists", "exists already")
        return _json(201, self.put(place, body))

    def _patch(self, path: str, body: Json) -> httpx2.Response:
        before = self.objects.get(path)
        if before is None:
            return refusal(404, "NotFound", "not found")
        asked = body.get("metadata", {}).get("resourceVersion")
        if asked not in (None, before["metadata"]["resourceVersion"]):
            return refusal(409, "Conflict", "the object has been modified")
        return _json(200, self.put(path, json.loads(json.dumps(merged(before, body)))))

    def _delete(self, path: str, _body: Json) -> httpx2.Response:
        if path not in self.objects:
            return refusal(404, "NotFound", "not found")
        self.remove(path)
        return _json(200, {"kind": "Status", "status": "Success"})


_PLURALS = {"configmaps", "leases", "secrets", "agentworkloads", "modelbindings", "providers"}


def merged(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def refusal(code: int, reason: str, message: str, **headers: str) -> httpx2.Response:
    """An answer that says no."""
    body = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return httpx2.Response(code, json=body, headers=headers)


def _json(code: int, document: Json) -> httpx2.Response:
    return httpx2.Response(code, json=document)


def _line(kind: str, found: Json) -> bytes:
    return json.dumps({"type": kind, "object": found}).encode() + b"\n"


def _in(place: str, collection: str) -> bool:
    """Say whether an object's path is in a collection, also one of all namespaces."""
    plural = collection.rpartition("/")[2]
    return place.startswith(f"{collection}/") or (
        "/namespaces/" not in collection and place.split("/")[-2] == plural
    )
