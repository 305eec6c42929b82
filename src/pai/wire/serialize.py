"""Heads and chunks as bytes. Every message leaves through here; nothing is patched. Pure."""

import re
from http import HTTPStatus
from typing import Final

from pai.wire.message import FRAMING, Headers

_STATUS_LINES: Final = {
    status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode("ascii"))
    for status in HTTPStatus
}
_TARGET: Final = re.compile(rb"/[\x21-\x22\x24-\x7e]*+")
_METHOD: Final = re.compile(rb"[A-Z][A-Z-]*+")
_USUAL_METHODS: Final = frozenset(
    (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS")
)

_LF: Final = 10  # numbers: cheaper to count and find than bytes
_CR: Final = 13

LAST_CHUNK: Final = b"0\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
CHUNKED: Final = b"transfer-encoding: chunked\r\n"
CLOSE: Final = b"connection: close\r\n"
UPGRADE: Final = b"connection: upgrade\r\nupgrade: websocket\r\n"


def content_length(size: int) -> bytes:
    """Return the field line that frames a body of `size` bytes."""
    return b"content-length: %d\r\n" % size


def chunk(data: bytes) -> bytes:
    """Return `data` as one chunk; must not be empty, as that would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def response_block(status: int, headers: Headers, framing: bytes) -> bytes:
    """Return the head of a response. framing: complete lines about body and connection.

    Raises ValueError when a field can't be written on one line.
    """
    line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
    return b"%b%b%b\r\n" % (line, _fields(headers), framing)


def request_block(
    method: bytes, target: bytes, authority: bytes, headers: Headers, framing: bytes
) -> bytes:
    """Return the head of a request; a Host among `headers` wins over `authority`.

    Raises ValueError when target, method or a field can't be written.
    """
    if _TARGET.fullmatch(target) is None or (
        method not in _USUAL_METHODS and _METHOD.fullmatch(method) is None
    ):
        raise ValueError("a request target or method that can't be sent")
    hosts = 0
    for name, _ in headers:
        hosts += name == b"host"
    if hosts > 1:
        raise ValueError("more than one Host")
    if not hosts:
        headers = [(b"host", authority), *headers]
    return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (method, target, _fields(headers), framing)


def _fields(headers: Headers) -> bytes:
    parts: list[bytes] = []
    count = 0
    for name, value in headers:
        if name not in FRAMING:
            parts.append(name)
            parts.append(b": ")
            parts.append(value)
            parts.append(b"\r\n")
            count += 1
    block = b"".join(parts)
    # a value with a line end would be a second field, or a second message
    if block.count(_LF) != count or block.count(_CR) != count or 0 in block:
        raise ValueError("a header field with a line end or a NUL in it")
    return block
