"""Listening options, and where redirected connections were going (in a namespace of its own)."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pai.wire.sockets import (
    held_socket,
    listening_socket,
    listening_unix_socket,
    open_held,
    original_destination,
)

REDIRECTED = """
import socket, subprocess, sys
from pai.wire.sockets import listening_socket, original_destination
run = lambda *words: subprocess.run(words, check=True)
run("ip", "link", "set", "lo", "up")
for tool, host, target in (
    ("iptables", "127.0.0.1", "192.0.2.7"),
    ("ip6tables", "::1", "2001:db8::7"),
):
    run("ip", "-6" if ":" in host else "-4", "route", "add", "local", target, "dev", "lo")
    run(tool, "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-d", target, "--dport", "443",
        "-j", "REDIRECT", "--to-ports", "8443")
    listener = listening_socket("::" if ":" in host else "0.0.0.0", 8443)
    listener.setblocking(True)
    with socket.create_connection((target, 443), timeout=5):
        accepted, _ = listener.accept()
        assert original_destination(accepted) == (target, 443), original_destination(accepted)
        accepted.close()
    with socket.create_connection((host, 8443), timeout=5):
        accepted, _ = listener.accept()
        assert original_destination(accepted) is None
        accepted.close()
    listener.close()
print("fine")
"""


def _can_redirect() -> bool:
    tools = all(shutil.which(tool) for tool in ("unshare", "ip", "iptables", "ip6tables"))
    return tools and os.geteuid() == 0


@pytest.mark.skipif(not _can_redirect(), reason="needs root and iptables")
def test_the_original_destination_of_redirected_connections() -> None:
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", REDIRECTED],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": "src"},
        check=False,
    )
    assert done.stdout.strip().endswith("fine"), done.stderr


def test_a_plain_connection_has_no_other_destination() -> None:
    ours, theirs = socket.socketpair()
    assert original_destination(ours) is None
    ours.close()
    theirs.close()


def test_freebind_listens_on_an_address_that_does_not_exist_yet() -> None:
    for host in ("192.0.2.77", "2001:db8::77"):
        with pytest.raises(OSError, match=r"can't listen on"):
            listening_socket(host, 0)
        listening_socket(host, 0, freebind=True).close()


def test_reuse_port_lets_several_workers_listen() -> None:
    first = listening_socket("127.0.0.1", 0, reuse_port=True)
    port = first.getsockname()[1]
    second = listening_socket("127.0.0.1", port, reuse_port=True)
    with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
        listening_socket("127.0.0.1", port)
    first.close()
    second.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "::"])
def test_a_held_port_refuses_and_nobody_else_can_have_it(host: str) -> None:
    held = held_socket(host, 0)
    port = held.getsockname()[1]
    loopback = "::1" if ":" in host else "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((loopback, port), timeout=5)
    for options in ((), (socket.SO_REUSEADDR,), (socket.SO_REUSEADDR, socket.SO_REUSEPORT)):
        with socket.socket(held.family) as sock, pytest.raises(OSError, match="in use"):
            for option in options:
                sock.setsockopt(socket.SOL_SOCKET, option, 1)
            sock.bind((loopback, port))
            sock.listen()
    open_held(held)
    socket.create_connection((loopback, port), timeout=5).close()
    held.close()


def test_a_port_with_old_connections_can_be_held_and_opened_again() -> None:
    first = listening_socket("127.0.0.1", 0)
    first.setblocking(True)
    port = first.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        accepted, _ = first.accept()
        accepted.close()  # its end goes to TIME_WAIT
        assert client.recv(1) == b""
    first.close()
    again = held_socket("127.0.0.1", port)
    open_held(again)
    again.close()


def test_a_stale_unix_socket_is_replaced_and_is_private(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    listening_unix_socket(path).close()
    listening_unix_socket(path).close()
    assert os.stat(path).st_mode & 0o777 == 0o600
