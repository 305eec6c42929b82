"""Watch resources by server-sent events, from the store's change log."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from pai.control.documents import document_of
from pai.control.http.answers import error_answer
from pai.store.errors import VersionGoneError
from pai.store.protocol import Store
from pai.store.record import Change

KEEP_ALIVE_SECONDS = 15.0
_PAGE = 200


class News:
    """Wakes everyone who waits for the next change of anything."""

    def __init__(self, store: Store) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._closed = False
        store.subscribe(self._wake)

    def close(self) -> None:
        """End all watches."""
        self._closed = True
        self._wake(())

    @property
    def closed(self) -> bool:
        """Whether the process is about to end."""
        return self._closed

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Return True when something changed since `event` was cleared, False after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        return True

    def listen(self) -> asyncio.Event:
        """Return an event that is set at each change; give it back to `leave`."""
        event = asyncio.Event()
        self._waiting.add(event)
        return event

    def leave(self, event: asyncio.Event) -> None:
        """Forget an event."""
        self._waiting.discard(event)

    def _wake(self, _changes: Sequence[Change]) -> None:
        for event in self._waiting:
            event.set()


async def watch_answer(
    store: Store, news: News, kind: str, namespace: str, version: int | None
) -> Response:
    """Return a stream of changes after `version`; without one, what exists comes first."""
    first: list[dict[str, Any]] = []
    if version is None:
        records, version = await store.find(kind, namespace)
        first = [{"type": "ADDED", "object": document_of(record)} for record in records]
    else:
        await store.changes(version, 1)  # 410 now rather than in the stream
    stream = _stream(store, news, (kind, namespace), version, first)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _stream(
    store: Store,
    news: News,
    scope: tuple[str, str],
    version: int,
    first: list[dict[str, Any]],
) -> AsyncIterator[bytes]:
    event = news.listen()
    try:
        yield b": watching\n\n" + b"".join(map(_line, first))
        while not news.closed:
            event.clear()
            try:
                changes = await store.changes(version, _PAGE)
            except VersionGoneError as error:
                yield _line({"type": "ERROR", "object": _error(error)})
                return
            version = changes[-1].resource_version if changes else version
            mine = [c for c in changes if (c.record.key.kind, c.record.key.namespace) == scope]
            if mine:
                yield b"".join(map(_line, map(_event, mine)))
            if len(changes) < _PAGE and not await news.wait(event, KEEP_ALIVE_SECONDS):
                yield b": still here\n\n"
    finally:
        news.leave(event)


def _event(change: Change) -> dict[str, Any]:
    return {"type": change.type, "object": document_of(change.record)}


def _error(error: VersionGoneError) -> Any:
    return msgspec.json.decode(error_answer(410, "gone", error.message, error.hint).body)


def _line(event: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"
