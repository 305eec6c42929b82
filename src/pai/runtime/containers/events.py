"""The engine's events, as agents to look at again."""

import asyncio
import json
from collections.abc import AsyncIterator

from pai.errors import PaiError
from pai.ir.agent import AgentKey
from pai.render import labels
from pai.runtime.containers.client import EngineClient
from pai.runtime.containers.observe import agent_key
from pai.wire import log
from pai.wire.tasks import spawn

RECONNECT_SECONDS = 1.0
_TELLING = frozenset({"start", "die", "died", "oom", "destroy", "remove", "stop"})


class Events:
    """Listen to one engine for one platform; control's own background work joins in."""

    def __init__(self, client: EngineClient, instance: str) -> None:
        self._client, self._instance = client, instance
        self._listeners: set[asyncio.Queue[AgentKey | None]] = set()

    def nudge(self) -> None:
        """Make every listener look at everything."""
        for queue in self._listeners:
            queue.put_nowait(None)

    async def listen(self) -> AsyncIterator[AgentKey | None]:
        """Yield agents, for ever; None after each time that events may have been missed."""
        queue: asyncio.Queue[AgentKey | None] = asyncio.Queue()
        self._listeners.add(queue)
        reader = spawn(self._read(queue), "engine events")
        try:
            while True:
                yield await queue.get()
        finally:
            reader.cancel()
            self._listeners.discard(queue)

    async def _read(self, queue: asyncio.Queue[AgentKey | None]) -> None:
        filters = {"type": ["container"], "label": [f"{labels.INSTANCE}={self._instance}"]}
        query = {"filters": json.dumps(filters)}
        while True:
            try:
                async with self._client.stream("GET", "/events", query) as answer:
                    queue.put_nowait(None)
                    async for line in answer.aiter_lines():
                        key = event_key(line)
                        if key is not None:
                            queue.put_nowait(key)
            except PaiError as error:
                log.warning("engine events interrupted", error=error.message)
            await asyncio.sleep(RECONNECT_SECONDS)


def event_key(line: str) -> AgentKey | None:
    """Return the agent that an event tells of, None for one that changes nothing."""
    if not line.strip():
        return None
    event = json.loads(line)
    if (event.get("Action") or event.get("status")) not in _TELLING:
        return None
    return agent_key((event.get("Actor") or {}).get("Attributes") or {})
