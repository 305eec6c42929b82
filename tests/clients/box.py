"""Run a program where an agent's would run: no network but a loopback of its own, and not as root.

`box.py DESCRIPTOR COMMAND...`: a listening socket on 127.0.0.1:8000 goes out over the unix socket
DESCRIPTOR before the program starts. Who takes it serves models there. Stdlib only.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

PORT = 8000
USER = 1000
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1


def leave() -> None:
    """Enter a user and a network namespace of its own; be USER there.

    Raises OSError where the machine gives no user namespaces.
    """
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER | _NEW_NETWORK):
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{USER} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{USER} {group} 1")


def loopback() -> None:
    """Bring `lo` up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, _GET_FLAGS, asked))[1]
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14x", b"lo", flags | _UP))


def main(descriptor: int, command: list[str]) -> None:
    """Become the program."""
    leave()
    loopback()
    models, taker = socket.create_server(("127.0.0.1", PORT)), socket.socket(fileno=descriptor)
    with models, taker:
        socket.send_fds(taker, [b"."], [models.fileno()])
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
