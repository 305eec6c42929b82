"""Ask a child whether it is ready."""

import asyncio

from pai.cli.supervisor.plan import Probe

_ASK_SECONDS = 2.0


async def answers(probe: Probe) -> bool:
    """Say whether the child answers now: `/healthz` on a socket, or a connection on a port."""
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            return await (_healthy(probe) if probe.socket else _accepts(probe))
    except (OSError, TimeoutError):
        return False


async def _accepts(probe: Probe) -> bool:
    _, writer = await asyncio.open_connection(probe.host, probe.port)
    await _close(writer)
    return True


async def _healthy(probe: Probe) -> bool:
    reader, writer = await asyncio.open_unix_connection(str(probe.socket))
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await writer.drain()
        status = await reader.readline()
        return status.split(b" ", 2)[1:2] == [b"200"]
    finally:
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        return  # it was closed from the other side first
