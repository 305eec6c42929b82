"""`pai exec`: a command in a container, through one WebSocket.

Frames are binary; the first byte is the channel: 0 standard input (empty = its end), 1 and 2 its
output, 3 the end with the exit code, 4 the size of the terminal.
"""

import json
import logging
import os
import shutil
import signal
import sys
import termios
import threading
import tty as terminal_mode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect, unix_connect

from pai.cli.client import Place
from pai.cli.contexts import Context
from pai.cli.door import Door, door_of
from pai.cli.failures import CommandError
from pai.errors import TransientError

STDIN, STDOUT, STDERR, END, RESIZE = range(5)
_CHUNK_BYTES = 32 * 1024
_MAX_FRAME_BYTES = 4 * 1024 * 1024
# Why a connection failed comes as an exception, which a person is told of; the library's own
# traceback (a refusal whose connection closes at once is "unexpected" to it) goes nowhere.
_UNHEARD = logging.Logger("pai.cli.execution")
_UNHEARD.addHandler(logging.NullHandler())


def run_remote(
    context: Context,
    namespace: str | None,
    name: str,
    command: Sequence[str],
    *,
    replica: int = 0,
    stdin: bool = False,
    tty: bool = False,
) -> int:
    """Run `command` in the agent's container and return its exit code.

    Raises CommandError when it can't be started, TransientError when the connection breaks.
    """
    if tty and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("-t: standard input and output are not a terminal", hint="leave out -t")
    door = door_of(context, namespace)
    url = exec_url(door, name, command, replica=replica, tty=tty)
    try:
        with _connected(door, url) as connection, _raw_terminal(tty):
            if tty:
                _follow_size(connection)
            threading.Thread(target=_send_stdin, args=(connection, stdin), daemon=True).start()
            return _receive(connection)
    except InvalidStatus as error:
        raise _refused(error, door.place) from error
    except (OSError, WebSocketException) as error:
        # A proxy before the platform may drop a refusal and its text: say at least what was asked.
        raise TransientError(
            f"exec in {name}: the connection to {door.server} broke: {error}",
            hint=f"pai status {name} tells whether a replica runs",
        ) from error


def exec_url(door: Door, name: str, command: Sequence[str], *, replica: int, tty: bool) -> str:
    """Return the WebSocket URL of one execution. Pure."""
    query = [("replica", str(replica)), ("tty", "true" if tty else "false")]
    query += [("command", part) for part in command]
    base = door.server.replace("http", "ws", 1) + door.place.base
    agent = f"namespaces/{quote(door.namespace, safe='')}/agentworkloads/{quote(name, safe='')}"
    return f"{base}/{agent}/exec?{urlencode(query)}"


def _connected(door: Door, url: str) -> ClientConnection:
    options: dict[str, Any] = {
        "additional_headers": {"Authorization": door.authorization} if door.authorization else {},
        "max_size": _MAX_FRAME_BYTES,
        "compression": None,
        "open_timeout": 15,
        "logger": _UNHEARD,
    }
    if door.socket:
        local: ClientConnection = unix_connect(door.socket, url, **options)
        return local
    if door.tls_name:
        options["server_hostname"] = door.tls_name
    remote: ClientConnection = connect(url, proxy=None, ssl=door.tls, **options)
    return remote


def _receive(connection: ClientConnection) -> int:
    """Copy output until the command ends; returns its exit code."""
    outputs = {STDOUT: sys.stdout.buffer, STDERR: sys.stderr.buffer}
    for frame in connection:
        if not isinstance(frame, bytes) or not frame:
            continue
        channel, content = frame[0], frame[1:]
        if channel in outputs:
            outputs[channel].write(content)
            outputs[channel].flush()
        elif channel == END:
            return _exit_code(json.loads(content))
    raise TransientError("the connection ended before the command did")


def _exit_code(end: dict[str, Any]) -> int:
    if end.get("error"):
        raise CommandError(str(end["error"]))
    return int(end["exitCode"])


def _send_stdin(connection: ClientConnection, wanted: bool) -> None:
    """Send standard input until it ends, then its end."""
    try:
        while wanted and (chunk := os.read(sys.stdin.fileno(), _CHUNK_BYTES)):
            connection.send(bytes([STDIN]) + chunk)
        connection.send(bytes([STDIN]))
    except (ConnectionClosed, OSError):
        return  # the command has ended; nobody wants the rest


@contextmanager
def _raw_terminal(tty: bool) -> Iterator[None]:
    """Pass every key on as it is, and give the terminal back as it was."""
    if not tty:
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        terminal_mode.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _follow_size(connection: ClientConnection) -> None:
    """Send the terminal's size now and whenever it changes."""
    changed = threading.Event()
    changed.set()

    def send() -> None:
        while changed.wait():
            changed.clear()
            columns, rows = shutil.get_terminal_size()
            size = json.dumps({"rows": rows, "columns": columns}).encode()
            try:
                connection.send(bytes([RESIZE]) + size)
            except ConnectionClosed:
                return

    # Sending in the handler itself could wait for a lock that the interrupted code holds.
    signal.signal(signal.SIGWINCH, lambda *_: changed.set())
    threading.Thread(target=send, daemon=True).start()


def _refused(error: InvalidStatus, place: Place) -> CommandError:
    status, content = error.response.status_code, error.response.body or b""
    try:
        body: object = json.loads(content)
    except ValueError:
        body = None
    told = body.get("error") if isinstance(body, dict) else None
    if isinstance(told, dict) and told.get("message"):
        return CommandError(str(told["message"]), told.get("hint"))
    if place.explain is None:
        return CommandError(f"the platform refused: HTTP status {status}")
    _, message, hint = place.explain(status, body, content.decode(errors="replace"))
    return CommandError(message, hint)
