"""The body of a watch: one event a line, as JSON."""

from collections.abc import AsyncIterator

import msgspec

from pai.kube.kinds import Json
from pai.kube.refusals import watch_error


class _Event(msgspec.Struct):
    type: str
    object: Json


_decode = msgspec.json.Decoder(_Event).decode


async def events_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, Json]]:
    """Yield (type, object) of each event; one of type ERROR is raised as what it means."""
    async for line in lines_of(chunks):
        event = _decode(line)
        if event.type == "ERROR":
            raise watch_error(event.object)
        yield event.type, event.object


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield whole lines.

    The HTTP client's own splitter also cuts at other line ends than a newline, such as U+0085,
    which JSON may hold unescaped.
    """
    pending: list[bytes] = []
    async for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            line = b"".join((*pending, part))
            pending = []
            if line.strip():
                yield line
        if rest:
            pending.append(rest)
