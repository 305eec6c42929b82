"""Run a command in an agent's container over a WebSocket.

Binary frames, first byte the channel: 0 standard input (empty = its end), 1 and 2 output, 3 the
end with `{"exitCode"}` or `{"error"}`, 4 the size of the terminal.
"""

import asyncio
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect

from pai.control.http.answers import answer_for
from pai.control.http.report import agent_record
from pai.control.http.services import Services
from pai.errors import PaiError, SpecError
from pai.ir.agent import AgentKey
from pai.runtime.protocol import ExecSession
from pai.wire import log

STDIN, STDOUT, STDERR, END, RESIZE = range(5)
_CHANNELS = {"stdout": STDOUT, "stderr": STDERR}
_MAX_WORDS = 1000


class _Size(msgspec.Struct):
    rows: int
    columns: int


def exec_call(services: Services) -> APIRouter:
    """Return the route below `/api/v1/namespaces/{namespace}`."""
    router = APIRouter(tags=["agents"], prefix="/agentworkloads/{name}")

    @router.websocket("/exec")
    async def execute(
        socket: WebSocket,
        namespace: str,
        name: str,
        command: Annotated[list[str] | None, Query()] = None,
        replica: Annotated[int, Query(ge=0, le=999)] = 0,
        tty: bool = False,
    ) -> None:
        key = AgentKey(namespace, name)
        try:
            if not command or len(command) > _MAX_WORDS:
                raise SpecError("command: name what to run, one `command` for each word")
            agent_record(services, key)
            session = await services.views.exec(key, replica, command, tty=tty)
        except PaiError as error:
            await socket.send_denial_response(answer_for(error))
            return
        try:
            await socket.accept()
            await _run(socket, session)
        finally:
            await session.close()

    return router


async def _run(socket: WebSocket, session: ExecSession) -> None:
    incoming = asyncio.ensure_future(_to_session(socket, session))
    outgoing = asyncio.ensure_future(_to_socket(socket, session))
    try:
        # A client that leaves ends the session; its end of input alone does not.
        await asyncio.wait({incoming, outgoing}, return_when=asyncio.FIRST_COMPLETED)
        if outgoing.done() and outgoing.exception() is None:
            await socket.close()
    finally:
        for task in (incoming, outgoing):
            task.cancel()
        results = await asyncio.gather(incoming, outgoing, return_exceptions=True)
    for result in results:
        gone = isinstance(result, WebSocketDisconnect | asyncio.CancelledError | PaiError)
        if isinstance(result, BaseException) and not gone:
            raise result


async def _to_session(socket: WebSocket, session: ExecSession) -> None:
    """Carry input until the client leaves. Raises WebSocketDisconnect."""
    while True:
        frame = await socket.receive_bytes()
        channel, content = frame[:1], frame[1:]
        try:
            if channel == bytes([STDIN]):
                await (session.write(content) if content else session.close_stdin())
            elif channel == bytes([RESIZE]):
                size = msgspec.json.decode(content, type=_Size)
                await session.resize(size.rows, size.columns)
        except (PaiError, msgspec.DecodeError) as error:
            # The command may be over and its last output still on the way: that must arrive.
            log.debug("exec input dropped", error=type(error).__name__)


async def _to_socket(socket: WebSocket, session: ExecSession) -> None:
    """Carry output until the command ends, then its exit code, or why there is none."""
    end: dict[str, int | str]
    try:
        while (chunk := await session.read()) is not None:
            await socket.send_bytes(bytes([_CHANNELS[chunk.channel]]) + chunk.data)
        end = {"exitCode": await session.exit_code()}
    except PaiError as error:
        end = {"error": error.message}
    await socket.send_bytes(bytes([END]) + msgspec.json.encode(end))
