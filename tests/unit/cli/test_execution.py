"""exec against a real WebSocket server, over TCP and over a local socket."""

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from websockets.sync.server import Server, ServerConnection, serve, unix_serve

from pai.cli.client import MACHINE
from pai.cli.contexts import Context
from pai.cli.door import Door
from pai.cli.execution import exec_url, run_remote
from pai.cli.failures import CommandError
from pai.errors import TransientError

Script = Callable[[ServerConnection], None]


@contextmanager
def running(server: Server) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def tcp(script: Script) -> Iterator[Context]:
    server = serve(script, "127.0.0.1", 0, compression=None)
    with running(server):
        port = server.socket.getsockname()[1]
        yield Context(f"http://127.0.0.1:{port}", "pai_tok_t")


@pytest.fixture(autouse=True)
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Standard input is a file."""
    (tmp_path / "stdin").write_bytes(b"typed")
    with (tmp_path / "stdin").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield


def end(code: int) -> bytes:
    return b"\x03" + json.dumps({"exitCode": code}).encode()


def test_the_url_holds_every_part() -> None:
    door = Door("https://h", MACHINE, "n/s")
    url = exec_url(door, "a", ["sh", "-c", "a&b=c ü"], replica=2, tty=True)
    parts = urlsplit(url)
    assert (parts.scheme, parts.path) == ("wss", "/api/v1/namespaces/n%2Fs/agentworkloads/a/exec")
    assert parse_qsl(parts.query) == [
        ("replica", "2"),
        ("tty", "true"),
        ("command", "sh"),
        ("command", "-c"),
        ("command", "a&b=c ü"),
    ]


def test_output_and_exit_code_come_back(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    seen: list[str | None] = []

    def script(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers.get("authorization"))
        connection.send(b"\x01out\x00\xff")
        connection.send(b"\x02err")
        connection.send(end(7))

    with tcp(script) as context:
        assert run_remote(context, "default", "a", ["x"]) == 7
    assert capfdbinary.readouterr() == (b"out\x00\xff", b"err")
    assert seen == ["Bearer pai_tok_t"]


@pytest.mark.parametrize(
    ("wanted", "frames"), [(True, [b"\x00typed", b"\x00"]), (False, [b"\x00"])]
)
def test_standard_input_is_passed_on_when_wanted(wanted: bool, frames: list[bytes]) -> None:
    got: list[Any] = []

    def script(connection: ServerConnection) -> None:
        while not got or got[-1] != b"\x00":
            got.append(connection.recv())
        connection.send(end(0))

    with tcp(script) as context:
        assert run_remote(context, "default", "a", ["cat"], stdin=wanted) == 0
    assert got == frames


def test_a_local_socket_is_preferred(tmp_path: Path) -> None:
    path = str(tmp_path / "s.sock")
    with running(unix_serve(lambda c: c.send(end(3)), path, compression=None)):
        context = Context("http://127.0.0.1:9", "t", socket=path)
        assert run_remote(context, "default", "a", ["x"]) == 3


def test_a_broken_connection_is_an_error() -> None:
    with (
        tcp(lambda connection: connection.close()) as context,
        pytest.raises(TransientError, match="ended before the command did"),
    ):
        run_remote(context, "default", "a", ["x"])
    with pytest.raises(TransientError, match="broke"):
        run_remote(Context("http://127.0.0.1:9", "t"), "default", "a", ["x"])


def test_a_command_that_can_not_start_says_why() -> None:
    told = b"\x03" + json.dumps({"error": "no such file"}).encode()
    with (
        tcp(lambda connection: connection.send(told)) as context,
        pytest.raises(CommandError, match="no such file"),
    ):
        run_remote(context, "default", "a", ["x"])


def test_a_terminal_needs_a_terminal() -> None:
    with pytest.raises(CommandError, match="not a terminal"):
        run_remote(Context("http://127.0.0.1:9", "t"), "default", "a", ["x"], tty=True)


def refusing(listener: socket.socket, body: bytes) -> None:
    """Refuse one execution, and send more than was announced."""
    connection, _ = listener.accept()
    with connection:
        while b"\r\n\r\n" not in connection.recv(65536):
            pass
        head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        connection.sendall(head + body)
        with suppress(ConnectionError):
            while True:
                connection.sendall(b"late")


def test_a_refusal_is_all_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"error": {"message": "not yours", "hint": "ask"}}).encode()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=refusing, args=(listener, body))
        server.start()
        context = Context(f"http://127.0.0.1:{listener.getsockname()[1]}", "pai_tok_t")
        with pytest.raises(CommandError, match="not yours"):
            run_remote(context, "default", "a", ["x"])
        server.join()
    assert caplog.messages == []  # else it would be written to standard error
