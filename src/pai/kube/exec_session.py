"""A command in a container: the API server's WebSocket protocol for streams.

The HTTP client's own WebSocket ends with the task that opened it, and a session here goes from
hand to hand; so the frames are made with wsproto on the connection that the upgrade gave.
Source: https://github.com/kubernetes/enhancements, KEP-4006; first byte of a message = channel.
"""

import asyncio
import base64
import os
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import httpcore2
import msgspec
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from pai.kube.errors import KubeRefusedError, KubeUnavailableError
from pai.kube.transport import Transport

_STDIN, _STDOUT, _STDERR, _ERROR, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255
_CHANNELS: Final[dict[int, Literal["stdout", "stderr"]]] = {_STDOUT: "stdout", _STDERR: "stderr"}
# v5 can end standard input on its own; v4, of servers before 1.29, can't.
_V5, _V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
_READ_BYTES = 64 * 1024
_CHUNK_BYTES = 32 * 1024
_WRITE_SECONDS = 60.0


class ExecOutput(NamedTuple):
    """Bytes that a command wrote; with a terminal all is stdout."""

    channel: Literal["stdout", "stderr"]
    data: bytes


class ExecSession:
    """One running command."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self._stream = answer.extensions["network_stream"]
        self._can_close_stdin = answer.headers.get("sec-websocket-protocol") == _V5
        self._frames = Connection(ConnectionType.CLIENT)
        self._writing = asyncio.Lock()
        self._output: deque[ExecOutput] = deque()
        self._message = bytearray()
        self._status: bytes | None = None
        self._over = False

    async def read(self) -> ExecOutput | None:
        """Return what the command wrote next, None once it is over."""
        while not self._output and not self._over:
            try:
                data = await self._stream.read(_READ_BYTES)
            except (OSError, httpcore2.NetworkError):
                data = b""
            await self._receive(data)
        return self._output.popleft() if self._output else None

    async def write(self, data: bytes) -> None:
        """Send to the command's standard input; what it no longer reads is lost."""
        for start in range(0, len(data), _CHUNK_BYTES):
            await self._send_message(_STDIN, data[start : start + _CHUNK_BYTES])

    async def close_stdin(self) -> None:
        """End the command's standard input, as far as the server knows how."""
        if self._can_close_stdin:
            await self._send_message(_CLOSE, bytes([_STDIN]))

    async def resize(self, rows: int, columns: int) -> None:
        """Tell the command's terminal its size."""
        size = msgspec.json.encode({"Width": columns, "Height": rows})
        await self._send_message(_RESIZE, size)

    async def exit_code(self) -> int:
        """Return how the command ended; call after `read` returned None.

        Raises KubeRefusedError when it could not be started, KubeUnavailableError when the
        connection ended before the command did.
        """
        if self._status is None:
            raise KubeUnavailableError("the connection ended before the command did")
        return exit_code_of(self._status)

    async def close(self) -> None:
        """Let go of it; the command may go on."""
        if not self._over:
            await self._send(CloseConnection(code=1000))
            self._over = True
        await self._stream.aclose()
        await self._answer.aclose()

    async def _receive(self, data: bytes) -> None:
        try:
            self._frames.receive_data(data or None)
            for event in self._frames.events():
                await self._take(event)
        except RemoteProtocolError as error:
            self._over = True
            raise KubeUnavailableError("the API server broke the WebSocket protocol") from error
        if not data:
            self._over = True

    async def _take(self, event: Event) -> None:
        if isinstance(event, BytesMessage | TextMessage):
            part = event.data
            self._message += part.encode() if isinstance(part, str) else part
            if event.message_finished:
                message, self._message = bytes(self._message), bytearray()
                self._take_message(message)
        elif isinstance(event, Ping):
            await self._send(event.response())
        elif isinstance(event, CloseConnection):
            self._over = True

    def _take_message(self, message: bytes) -> None:
        channel = message[0] if message else -1
        if channel in _CHANNELS and len(message) > 1:
            self._output.append(ExecOutput(_CHANNELS[channel], message[1:]))
        elif channel == _ERROR:
            self._status = message[1:]

    async def _send_message(self, channel: int, data: bytes) -> None:
        await self._send(BytesMessage(data=bytes([channel]) + data))

    async def _send(self, event: Event) -> None:
        async with self._writing:
            if self._over:
                return
            try:
                data = self._frames.send(event)
                await self._stream.write(data, timeout=_WRITE_SECONDS)
            except (LocalProtocolError, OSError, httpcore2.NetworkError, httpcore2.WriteTimeout):
                return  # the command has ended; `read` tells it


async def start_exec(
    transport: Transport, path: str, container: str, command: Sequence[str], *, tty: bool
) -> ExecSession:
    """Start `command` and return its session."""
    params: list[tuple[str, str]] = [("container", container), ("stdin", "true")]
    params += [("stdout", "true"), ("tty" if tty else "stderr", "true")]
    params += [("command", part) for part in command]
    headers = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": base64.b64encode(os.urandom(16)).decode(),
        "sec-websocket-protocol": f"{_V5}, {_V4}",
    }
    return ExecSession(await transport.upgrade("exec", path, params, headers))


def exit_code_of(status: bytes) -> int:
    """Return the exit code that a Status of the error channel tells. Raises KubeRefusedError."""
    try:
        answer = msgspec.json.decode(status)
        if answer.get("status") == "Success":
            return 0
        causes = (answer.get("details") or {}).get("causes") or []
        codes = [int(cause["message"]) for cause in causes if cause.get("reason") == "ExitCode"]
        if codes:
            return codes[0]
        message = str(answer.get("message") or "the command can't be started")
    except (msgspec.DecodeError, LookupError, AttributeError, ValueError, TypeError):
        message = status.decode(errors="replace")[:1000]
    raise KubeRefusedError(500, "ExecFailed", " ".join(message.split()))
