"""Calls of one API server: objects in and out as plain JSON."""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pai.kube import connection
from pai.kube.connection import Connection
from pai.kube.errors import KubeRefusedError
from pai.kube.exec_session import ExecSession, start_exec
from pai.kube.kinds import PODS, SECRETS, Json, Kind, kind_of
from pai.kube.transport import Transport
from pai.kube.watch_lines import events_of

CHUNK = 500
WATCH_SECONDS = 300
# Beyond the time after which the server ends a watch. That a peer is gone without a word is
# noticed by TCP (see `connection`): a kind that never changes sends nothing, not even bookmarks.
_GRACE_SECONDS = 20.0
_SILENCE_SECONDS = 100.0
_GONE = 410
_MERGE_PATCH = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"  # JSON is YAML
_ALL = "All"


class Listed(NamedTuple):
    """All objects of a list, and its version."""

    items: list[Json]
    version: str


class _Page(NamedTuple):
    items: list[Json]
    version: str
    following: str


class Kube:
    """One API server, asynchronous; touched from one event loop.

    namespace: of the context; meant where a namespaced object is named without one.
    Every call raises KubeRefusedError, KubeUnavailableError.
    """

    def __init__(self, way: Connection) -> None:
        self._transport = Transport(way.http)
        self.namespace = way.namespace

    @classmethod
    def from_kubeconfig(cls, path: Path, context: str | None = None) -> "Kube":
        """Return the client of a kubeconfig's context. Raises KubeConfigError."""
        return cls(connection.from_kubeconfig(path, context))

    @classmethod
    def in_cluster(cls) -> "Kube":
        """Return the client of this pod's service account. Raises KubeConfigError."""
        return cls(connection.in_cluster())

    @property
    def calls(self) -> Counter[str]:
        """How many calls there were, by verb."""
        return self._transport.calls

    @property
    def errors(self) -> Counter[str]:
        """How many calls failed, by verb."""
        return self._transport.errors

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Json | None:
        """Return one object, None when there is none."""
        path = kind.path(namespace or self.namespace, name)
        answer = await self._transport.call("get", "GET", path, missing_ok=True)
        return None if answer is None else _object(answer)

    async def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
    ) -> Listed:
        """Return all objects and the version of the list; namespace None = of all.

        labels, fields: selectors as kubectl takes them.
        """
        params = _selectors(labels, fields)
        items, version, following = await self._page(kind, namespace, {**params, "limit": CHUNK})
        while following:
            more = {**params, "limit": CHUNK, "continue": following}
            try:
                page, version, following = await self._page(kind, namespace, more)
            except KubeRefusedError as error:
                if error.status != _GONE:
                    raise
                # The pages took longer than the server keeps old versions: all at once, then.
                items, version, _ = await self._page(kind, namespace, params)
                break
            items += page
        return Listed(items, version)

    async def newest_version(self, kind: Kind, namespace: str | None = None) -> str:
        """Return the version that a list would have now."""
        return (await self._page(kind, namespace, {"limit": 1})).version

    async def create(self, document: Json, *, manager: str = "pai", dry_run: bool = False) -> Json:
        """Create an object and return it as it is stored."""
        kind, namespace, _ = self._place(document)
        params = _write_params(manager, dry_run)
        path = kind.path(namespace)
        return _object(
            await self._transport.call("create", "POST", path, params=params, body=document)
        )

    async def apply(
        self,
        document: Json,
        *,
        manager: str,
        force: bool = True,
        dry_run: bool = False,
        subresource: str = "",
    ) -> Json:
        """Apply an object server-side as `manager` and return it as it is stored."""
        kind, namespace, name = self._place(document)
        params = {**_write_params(manager, dry_run), "force": "true" if force else "false"}
        path = kind.path(namespace, name, subresource)
        return _object(
            await self._transport.call(
                "apply", "PATCH", path, params=params, body=document, content_type=_APPLY
            )
        )

    async def patch(
        self,
        kind: Kind,
        name: str,
        namespace: str | None,
        patch: Json,
        *,
        manager: str,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Json:
        """Change an object by a JSON merge patch and return it as it is stored.

        `metadata.resourceVersion` and `metadata.uid` in the patch are preconditions.
        """
        path = kind.path(namespace or self.namespace, name, subresource)
        if kind == SECRETS:  # the kind in the body is how a refusal is known to be delicate
            patch = {"apiVersion": kind.api_version, "kind": kind.kind, **patch}
        return _object(
            await self._transport.call(
                "patch",
                "PATCH",
                path,
                params=_write_params(manager, dry_run),
                body=patch,
                content_type=_MERGE_PATCH,
            )
        )

    async def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        *,
        propagation: str = "Background",
        uid: str | None = None,
        dry_run: bool = False,
    ) -> bool:
        """Delete an object; False when it was not there. uid: of the very object that is meant."""
        body: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        if dry_run:
            body["dryRun"] = [_ALL]
        path = kind.path(namespace or self.namespace, name)
        answer = await self._transport.call("delete", "DELETE", path, body=body, missing_ok=True)
        return answer is not None

    async def watch(
        self,
        kind: Kind,
        version: str,
        *,
        namespace: str | None = None,
        labels: str | None = None,
        seconds: int = WATCH_SECONDS,
    ) -> AsyncGenerator[tuple[str, Json], None]:
        """Yield (type, object) of each change after `version`, BOOKMARK among the types.

        Ends after `seconds`, or when the connection does. Raises KubeRefusedError with status 410
        when the server no longer knows that version.
        """
        params = {
            **_selectors(labels, None),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": seconds,
        }
        path = kind.path(namespace)
        async with self._transport.stream(
            "watch", path, params, seconds + _GRACE_SECONDS
        ) as chunks:
            async for event in events_of(chunks):
                yield event

    async def raw(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        """Return the decoded JSON of any call, for what has no method of its own."""
        return await self._transport.call("raw", method, path, params=params, body=body)

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool = False,
        tail: int | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Yield what a container wrote, as it comes."""
        params: dict[str, Any] = {"container": container, "follow": "true" if follow else "false"}
        if tail is not None:
            params["tailLines"] = tail
        path = PODS.path(namespace, pod, "log")
        silence = None if follow else _SILENCE_SECONDS
        async with self._transport.stream("logs", path, params, silence) as chunks:
            async for chunk in chunks:
                yield chunk

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: Sequence[str],
        *,
        tty: bool = False,
    ) -> ExecSession:
        """Start a command in a running container."""
        path = PODS.path(namespace, pod, "exec")
        return await start_exec(self._transport, path, container, command, tty=tty)

    async def version(self) -> Json:
        """Return what the server says of itself: `gitVersion`, `major`, `minor`."""
        return _object(await self._transport.call("version", "GET", "/version"))

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def _page(self, kind: Kind, namespace: str | None, params: Mapping[str, Any]) -> _Page:
        answer = _object(
            await self._transport.call("list", "GET", kind.path(namespace), params=params)
        )
        metadata = answer.get("metadata") or {}
        items = answer.get("items") or []
        for item in items:  # a list leaves out what it says once itself
            item.setdefault("apiVersion", kind.api_version)
            item.setdefault("kind", kind.kind)
        following = str(metadata.get("continue") or "")
        return _Page(items, str(metadata.get("resourceVersion", "")), following)

    def _place(self, document: Json) -> tuple[Kind, str, str]:
        metadata = document["metadata"]
        namespace = str(metadata.get("namespace") or self.namespace)
        return kind_of(document), namespace, str(metadata.get("name", ""))


def _selectors(labels: str | None, fields: str | None) -> dict[str, Any]:
    named = {"labelSelector": labels, "fieldSelector": fields}
    return {name: value for name, value in named.items() if value}


def _write_params(manager: str, dry_run: bool) -> dict[str, str]:
    return {"fieldManager": manager, **({"dryRun": _ALL} if dry_run else {})}


def _object(answer: Any) -> Json:
    """Return an answer that must be an object; anything else is no API server's."""
    if not isinstance(answer, dict):
        raise KubeRefusedError(0, "NotAnObject", "what answers there is no API server")
    return answer
