"""Commands in a container: the engine hands its HTTP connection over as a raw stream.

httpx can't give half of a connection back, and a command must see the end of its input while its
output still comes; so this one call is made by hand on the socket.
"""

import asyncio
import json
from collections.abc import Sequence

from pai.runtime.containers.client import EngineClient
from pai.runtime.containers.frames import Demultiplexer
from pai.runtime.errors import EngineRefusedError, EngineUnavailableError
from pai.runtime.protocol import LogChunk

_READ_BYTES = 64 << 10
_HEAD_BYTES = 64 << 10
_EXIT_TRIES = 50
_EXIT_PAUSE_SECONDS = 0.1


class Session:
    """One command. Keeps to `pai.runtime.protocol.ExecSession`."""

    def __init__(
        self,
        client: EngineClient,
        identity: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        tty: bool,
    ) -> None:
        self._client, self._id = client, identity
        self._reader, self._writer = reader, writer
        self._frames = None if tty else Demultiplexer()
        self._pending: list[LogChunk] = []

    async def read(self) -> LogChunk | None:
        """Return what the command wrote next, None once it is over."""
        while not self._pending:
            try:
                data = await self._reader.read(_READ_BYTES)
            except ConnectionError:
                data = b""
            if not data:
                return None
            self._pending = self._split(data)
        return self._pending.pop(0)

    def _split(self, data: bytes) -> list[LogChunk]:
        if self._frames is None:
            return [LogChunk("stdout", data)]
        return [LogChunk(channel, part) for channel, part in self._frames.feed(data)]

    async def write(self, data: bytes) -> None:
        """Send to the command's standard input; what it no longer reads is lost."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return

    async def close_stdin(self) -> None:
        """End the command's standard input."""
        if self._writer.can_write_eof() and not self._writer.is_closing():
            self._writer.write_eof()

    async def resize(self, rows: int, columns: int) -> None:
        """Tell the command's terminal its size; a command that has just ended has none."""
        try:
            query = {"h": rows, "w": columns}
            await self._client.call("POST", f"/exec/{self._id}/resize", query=query)
        except EngineRefusedError as error:
            if error.status < 400:
                raise

    async def exit_code(self) -> int:
        """Return how the command ended. The engine may learn of it after the stream's end."""
        for _ in range(_EXIT_TRIES):
            state = await self._client.call("GET", f"/exec/{self._id}/json")
            if not state["Running"] and state.get("ExitCode") is not None:
                return int(state["ExitCode"])
            await asyncio.sleep(_EXIT_PAUSE_SECONDS)
        raise EngineUnavailableError("the engine does not say how the command ended")

    async def close(self) -> None:
        """Close the stream."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return


async def start(
    client: EngineClient, container: str, command: Sequence[str], *, tty: bool
) -> Session:
    """Start `command` in a running container, as its user."""
    body = {
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": tty,
        "Cmd": list(command),
    }
    created = await client.call("POST", f"/containers/{container}/exec", body=body)
    identity = str(created["Id"])
    path = f"{await client.prefix()}/exec/{identity}/start"
    try:
        reader, writer = await asyncio.open_unix_connection(client.socket, limit=_HEAD_BYTES)
    except OSError as error:
        raise EngineUnavailableError(f"the engine at {client.socket} does not answer") from error
    try:
        await _upgrade(reader, writer, path, {"Detach": False, "Tty": tty})
    except BaseException:
        writer.close()
        raise
    return Session(client, identity, reader, writer, tty=tty)


async def _upgrade(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: object
) -> None:
    """Ask for the stream; it begins right after the answer's head."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content)
    try:
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError) as error:
        raise EngineUnavailableError("the engine hung up on a command") from error
    status = int(answer.split(b" ", 2)[1])
    if status not in {101, 200}:
        raise EngineRefusedError(await _refusal(reader), status)


async def _refusal(reader: asyncio.StreamReader) -> str:
    body = await reader.read(_HEAD_BYTES)
    try:
        return " ".join(str(json.loads(body[body.index(b"{") :])["message"]).split())
    except (ValueError, KeyError):
        return "the command can't be started"
