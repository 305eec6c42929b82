"""A watched copy of all objects of one kind; the loop reads it and never asks the API server."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from types import MappingProxyType

from pai.errors import PaiError
from pai.kube.backoff import pause_seconds
from pai.kube.client import WATCH_SECONDS, Kube
from pai.kube.errors import KubeRefusedError, KubeUnavailableError
from pai.kube.kinds import Json, Kind
from pai.kube.mirror_state import ChangeType, MirrorState, ObjectChange
from pai.kube.packed import ObjectKey
from pai.wire import log

Listener = Callable[[ChangeType, Json], None]

_GONE = 410
_BRIEF_SECONDS = 1.0
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def without_managed_fields(found: Json) -> Json:
    """Return an object without what only the API server and kubectl need; changes it in place."""
    metadata = found["metadata"]
    metadata.pop("managedFields", None)
    annotations = metadata.get("annotations")
    if annotations:
        annotations.pop(_LAST_APPLIED, None)
    return found


class Mirror:
    """All objects of one kind, as the API server tells them. Touched from the event loop only.

    objects: by (namespace, name), trimmed; kept as text, so that each read is a copy.
    labels: a selector. trouble: what keeps it from following now, "" = nothing.
    spread: random numbers of [0, 1).
    """

    def __init__(
        self,
        kube: Kube,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: str | None = None,
        trim: Callable[[Json], Json] = without_managed_fields,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._kube = kube
        self._kind = kind
        self._namespace = namespace
        self._labels = labels
        self._trim = trim
        self._spread = spread
        self._state = MirrorState()
        self._listeners: list[Listener] = []
        self._synced = asyncio.Event()
        self._must_list = True
        self._failures = 0
        self.trouble = ""
        self.objects: Mapping[ObjectKey, Json] = MappingProxyType(self._state.objects)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after each change, in order; the answer ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def synced(self) -> None:
        """Return once `objects` held all there is for the first time."""
        await self._synced.wait()

    def written(self, found: Json) -> None:
        """Take the answer to a write at once, so that who wrote reads what was written."""
        self._tell(self._state.written(self._trim(found)))

    def removed(self, key: ObjectKey, uid: str) -> None:
        """Take a confirmed removal at once."""
        self._tell(self._state.removed(key, uid))

    async def run(self) -> None:
        """Follow the API server until cancelled; failures are told in `trouble` and outlived."""
        while True:
            asked = None
            try:
                await self._follow()
            except PaiError as error:
                self._note(error)
                if isinstance(error, KubeUnavailableError):
                    asked = error.retry_after_seconds
            if self._failures:
                await asyncio.sleep(pause_seconds(self._failures, self._spread(), asked))

    async def _follow(self) -> None:
        """List if need be, then watch until the stream ends."""
        if self._must_list:
            await self._list()
        began, heard = time.monotonic(), False
        # Not all mirrors of all replicas at the same moment.
        seconds = round(WATCH_SECONDS * (0.5 + self._spread() / 2))
        events = self._kube.watch(
            self._kind,
            self._state.version,
            namespace=self._namespace,
            labels=self._labels,
            seconds=seconds,
        )
        async with aclosing(events):
            async for event_type, found in events:
                heard = True
                self._went_well()
                bookmark = event_type == "BOOKMARK"
                found = found if bookmark else self._trim(found)
                self._tell(self._state.happened(event_type, found))
        if not heard:
            await self._check_version()
        if time.monotonic() - began > _BRIEF_SECONDS:
            self._went_well()
        else:
            self._failures += 1

    async def _check_version(self) -> None:
        """List again if the server is behind us, as after being restored from a backup.

        A watch from a version that it has not reached yet is silent for ever.
        """
        newest = await self._kube.newest_version(self._kind, self._namespace)
        if newest.isdecimal() and int(newest) < int(self._state.version or 0):
            self._must_list = True

    async def _list(self) -> None:
        self._state.list_begins()
        items, version = await self._kube.list(self._kind, self._namespace, self._labels)
        self._tell(self._state.listed(map(self._trim, items), version))
        self._must_list = False
        self.trouble = ""
        self._synced.set()

    def _went_well(self) -> None:
        self._failures = 0
        self.trouble = ""

    def _note(self, error: PaiError) -> None:
        self._failures += 1
        gone = isinstance(error, KubeRefusedError) and error.status == _GONE
        self._must_list |= gone
        if not gone and error.message != self.trouble:
            log.warning("mirror cut off", kind=self._kind.kind, error=error.message)
            self.trouble = error.message

    def _tell(self, changes: Sequence[ObjectChange]) -> None:
        for change in changes:
            for listener in tuple(self._listeners):
                try:
                    listener(*change)
                except Exception as error:  # a bug of that listener, which the others outlive
                    log.crash(f"a listener to {self._kind.kind} broke", error)
