"""Stream a container's log: errors that show at once become an answer, later ones end it."""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from pai.errors import PaiError
from pai.runtime.protocol import LogChunk
from pai.wire import log

_FIRST_SECONDS = 0.5


async def log_answer(chunks: AsyncIterator[LogChunk]) -> Response:
    """Return the log as a stream of plain text. Raises what the engine says at first."""
    first = asyncio.ensure_future(_next(chunks))
    await asyncio.wait({first}, timeout=_FIRST_SECONDS)
    if first.done():
        first.result()  # raises NotFoundError before anything was sent
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return StreamingResponse(_text(first, chunks), media_type="text/plain", headers=headers)


async def last_lines(chunks: AsyncIterator[LogChunk], count: int) -> list[str]:
    """Return at most `count` last lines of a log that ends."""
    data = b"".join([chunk.data async for chunk in chunks])
    return data.decode(errors="replace").splitlines()[-count:]


async def _text(
    first: "asyncio.Task[LogChunk | None]", chunks: AsyncIterator[LogChunk]
) -> AsyncIterator[bytes]:
    try:
        chunk = await first
        while chunk is not None:
            yield chunk.data
            chunk = await _next(chunks)
    except PaiError as error:
        log.info("log stream ended", error=error.message)
    finally:
        first.cancel()


async def _next(chunks: AsyncIterator[LogChunk]) -> LogChunk | None:
    return await anext(chunks, None)
