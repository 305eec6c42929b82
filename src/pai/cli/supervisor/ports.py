"""Is a port free, and if not, who holds it."""

import errno
import os
import socket
from pathlib import Path

from pai.cli.failures import CommandError
from pai.cli.supervisor.plan import listeners
from pai.ir.settings import Settings

_IP_FREEBIND = 15  # not in every Python's socket module
_LISTEN = "0A"
_FLAGS = {
    "apiPort": "--api-port",
    "gatewayPort": "--gateway-port",
    "edgePort": "--edge-port",
    "internalPort": "internalPort in settings.toml",
}


def check_ports(settings: Settings, bridge: str | None) -> None:
    """Raise CommandError for the first port that can't be listened on."""
    for address, port, setting in listeners(settings, bridge):
        problem = port_problem(address, port)
        if problem:
            raise CommandError(
                f"{setting}: port {port} on {address} {problem}",
                hint=advice_for(setting),
            )


def advice_for(setting: str) -> str:
    """Return what to do when the port of `setting` is taken."""
    return f"end that process, or choose another port with {_FLAGS[setting]}"


def port_problem(address: str, port: int) -> str | None:
    """Return why `port` can't be listened on, or None when it can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return _reason(error, port)
    return None


def holder(port: int) -> str | None:
    """Return `name (pid N)` of the process that listens on `port`, where we may know it."""
    inodes = _listening_inodes(port)
    for entry in Path("/proc").iterdir() if inodes else ():
        if entry.name.isdigit() and _sockets_of(entry) & inodes:
            return f"{_name_of(entry)} (pid {entry.name})"
    return None


def _reason(error: OSError, port: int) -> str:
    if error.errno != errno.EADDRINUSE:
        return f"can't be used: {error.strerror}"
    who = holder(port)
    return f"is taken by {who}" if who else "is taken by another process"


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue  # no IPv6, or not Linux: then nobody can be named
        for fields in (line.split() for line in lines):
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes


def _sockets_of(process: Path) -> set[str]:
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return set()  # another user's process, or gone
    links = [_link(descriptor) for descriptor in descriptors]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def _link(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except OSError:
        return ""  # closed meanwhile


def _name_of(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a process"
