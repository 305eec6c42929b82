"""Listening sockets with the options we need, and where a redirected connection was going."""

import os
import socket
import struct

_SO_ORIGINAL_DST = 80
_SOL_IPV6 = 41
_IP_FREEBIND, _IPV6_FREEBIND = 15, 78
BACKLOG = 1024


def listening_socket(
    host: str, port: int, *, reuse_port: bool = False, freebind: bool = False
) -> socket.socket:
    """Return a listening, non-blocking TCP socket. host: an IP address.

    freebind: the address need not exist yet. Raises OSError with host and port in its text.
    """
    sock = bound_socket(host, port, reuse_port=reuse_port, freebind=freebind)
    try:
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _named(error, host, port) from error
    return sock


def held_socket(host: str, port: int) -> socket.socket:
    """Return a bound socket that refuses connections until `open_held`.

    Nobody else can bind the port meanwhile: with SO_REUSEADDR left on, another socket that has it
    too could, and could listen first. Raises OSError with host and port in its text.
    """
    sock = bound_socket(host, port)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return sock


def open_held(sock: socket.socket) -> None:
    """Listen on a socket that was held; old connections of the port in TIME_WAIT don't matter.

    Raises OSError.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.listen(BACKLOG)


def bound_socket(
    host: str, port: int, *, reuse_port: bool = False, freebind: bool = False
) -> socket.socket:
    """Return a bound, non-blocking TCP socket that refuses connections until it listens.

    Raises OSError with host and port in its text.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if freebind:
            six = family == socket.AF_INET6
            level, option = (_SOL_IPV6, _IPV6_FREEBIND) if six else (0, _IP_FREEBIND)
            sock.setsockopt(level, option, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise _named(error, host, port) from error
    return sock


def _named(error: OSError, host: str, port: int) -> OSError:
    return OSError(error.errno, f"can't listen on {host}:{port}: {error.strerror}")


def listening_unix_socket(path: str, mode: int = 0o600) -> socket.socket:
    """Return a bound, non-blocking unix socket; a stale file at `path` is replaced."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        if os.path.exists(path):
            os.unlink(path)
        sock.bind(path)
        os.chmod(path, mode)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def original_destination(sock: socket.socket) -> tuple[str, int] | None:
    """Return where a connection was going before netfilter redirected it, None if nowhere else."""
    if sock.family == socket.AF_INET6:
        level, size = _SOL_IPV6, 28
    elif sock.family == socket.AF_INET:
        level, size = socket.SOL_IP, 16
    else:
        return None
    try:
        raw = sock.getsockopt(level, _SO_ORIGINAL_DST, size)
    except OSError:  # no netfilter, or the connection was not redirected
        return None
    (port,) = struct.unpack_from("!H", raw, 2)
    packed = raw[8:24] if level == _SOL_IPV6 else raw[4:8]
    meant = (socket.inet_ntop(sock.family, packed), port)
    return None if meant == sock.getsockname()[:2] else meant
