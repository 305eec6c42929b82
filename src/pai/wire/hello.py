"""ClientHello: the name a TLS client asks for, read from bytes that were only peeked at. Pure.

Source: RFC 8446 4.1.2, RFC 6066 3.
"""

import re
from enum import Enum
from typing import Final, Literal, NamedTuple

MAX_HELLO_BYTES = 16 * 1024 + 4
_NAME = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?\.?")


class ClientHello(NamedTuple):
    """What a client says before anything is encrypted. sni: lower case, no final dot, or None."""

    sni: str | None
    alpn: tuple[bytes, ...]


class Peek(Enum):
    """Answers that are no ClientHello."""

    NEED_MORE = "need more"
    NOT_TLS = "not tls"


NEED_MORE: Final = Peek.NEED_MORE
NOT_TLS: Final = Peek.NOT_TLS


class _Short(Exception):  # noqa: N818
    """A field ends beyond the message."""


def peek_client_hello(
    data: bytes,
) -> ClientHello | Literal[Peek.NEED_MORE, Peek.NOT_TLS]:
    """Read the ClientHello at the start of `data`, which may be cut anywhere.

    NOT_TLS: these bytes can't become a well-formed ClientHello, whatever follows.
    """
    handshake = b""
    position = 0
    while True:
        record = data[position : position + 5]
        if record[:1] not in (b"", b"\x16") or record[1:2] not in (b"", b"\x03"):
            return NOT_TLS
        if len(record) < 5:
            return NEED_MORE
        size = int.from_bytes(record[3:5], "big")
        if not 0 < size <= MAX_HELLO_BYTES:
            return NOT_TLS
        handshake += data[position + 5 : position + 5 + size]
        if handshake[:1] not in (b"", b"\x01"):
            return NOT_TLS
        if len(handshake) >= 4:
            total = 4 + int.from_bytes(handshake[1:4], "big")
            if total > MAX_HELLO_BYTES:
                return NOT_TLS
            if len(handshake) >= total:
                return _parse(handshake[4:total])
        if len(data) < position + 5 + size:
            return NEED_MORE
        position += 5 + size


class _Cursor:
    """Reads length-prefixed fields; running over the end raises _Short."""

    __slots__ = ("data", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self.data):
            raise _Short
        part = self.data[self.position : end]
        self.position = end
        return part

    def vector(self, prefix: int) -> bytes:
        return self.take(int.from_bytes(self.take(prefix), "big"))

    @property
    def left(self) -> int:
        return len(self.data) - self.position


def _parse(body: bytes) -> ClientHello | Literal[Peek.NOT_TLS]:
    try:
        cursor = _Cursor(body)
        cursor.take(34)  # version, random
        cursor.vector(1)  # session id
        cursor.vector(2)  # cipher suites
        cursor.vector(1)  # compression
        extensions = _extensions(cursor.vector(2)) if cursor.left else {}
        sni = _server_name(extensions[0]) if 0 in extensions else None
        return ClientHello(sni, _alpn(extensions.get(16)))
    except (_Short, ValueError):
        return NOT_TLS


def _extensions(data: bytes) -> dict[int, bytes]:
    cursor = _Cursor(data)
    found: dict[int, bytes] = {}
    while cursor.left:
        kind = int.from_bytes(cursor.take(2), "big")
        if kind in found:
            raise ValueError("an extension appears twice")
        found[kind] = cursor.vector(2)
    return found


def _server_name(data: bytes) -> str:
    cursor = _Cursor(_Cursor(data).vector(2))
    if cursor.take(1) != b"\x00":
        raise ValueError("not a host name")
    name = cursor.vector(2)
    if cursor.left or _NAME.fullmatch(name) is None:
        raise ValueError("not one host name")
    return name.decode("ascii").lower().removesuffix(".")


def _alpn(data: bytes | None) -> tuple[bytes, ...]:
    if data is None:
        return ()
    cursor = _Cursor(_Cursor(data).vector(2))
    protocols: list[bytes] = []
    while cursor.left:
        protocols.append(cursor.vector(1))
    return tuple(protocols)
