"""One strict normal form of a request path, so that a rule can't be walked around by spelling.

Source: RFC 3986, sections 3.3 and 6.2.2. Called by the sidecar before any rule is looked at; what
has no normal form is refused, and the path that was checked is the path that is sent on.
"""

import re
from typing import NamedTuple

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# Of the reserved characters ";" is missing: servers cut "/admin;x" down to "/admin".
_PLAIN = _UNRESERVED | frozenset(b"/!$&'()*+,=:@")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_DOUBLE_ESCAPE = re.compile(rb"%25[0-9A-Fa-f]{2}")
_FORBIDDEN_ESCAPES = {
    0x2F: "holds an encoded slash",
    0x5C: "holds an encoded backslash",
}
_FORBIDDEN_CHARACTERS = {
    0x00: "holds a NUL",
    0x3B: "holds a path parameter (;)",
    0x5C: "holds a backslash",
}
_LIMIT_BYTES = 8192
# Most paths are their own normal form: no escapes, no segment that is empty or begins with a dot.
_ALREADY_NORMAL = re.compile(rb"/|(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9_.~!$&'()*+,=:@-]*+)++/?")


class NormalPath(NamedTuple):
    """A path in normal form, or the fault that it has none. Exactly one of both is set."""

    path: str | None
    fault: str | None


def normalise(raw: bytes) -> NormalPath:
    """Decode escaped unreserved characters; refuse whatever servers read in two ways."""
    if len(raw) <= _LIMIT_BYTES and _ALREADY_NORMAL.fullmatch(raw):
        return NormalPath(raw.decode("ascii"), None)
    fault = _fault_of(raw)
    if fault is not None:
        return NormalPath(None, fault)
    path = _ESCAPE.sub(_decoded, raw).decode("ascii")
    segments = path.split("/")[1:]
    if any(segment in (".", "..") for segment in segments):
        return NormalPath(None, "holds a dot segment")
    if "" in segments[:-1]:
        return NormalPath(None, "holds an empty segment (//)")
    return NormalPath(path, None)


def _fault_of(raw: bytes) -> str | None:
    if not raw.startswith(b"/"):
        return "does not begin with a slash"
    if len(raw) > _LIMIT_BYTES:
        return f"is longer than {_LIMIT_BYTES} bytes"
    for byte in raw:
        if byte not in _PLAIN and byte != 0x25:
            return _FORBIDDEN_CHARACTERS.get(byte, f"holds the unescaped byte 0x{byte:02X}")
    if _DOUBLE_ESCAPE.search(raw):
        return "is escaped twice"
    for match in _ESCAPE.finditer(raw):
        if match[1] is None:
            return "holds a broken escape"
        value = int(match[1], 16)
        if value < 0x20 or value == 0x7F:
            return "holds an encoded control character"
        if value in _FORBIDDEN_ESCAPES:
            return _FORBIDDEN_ESCAPES[value]
    return None


def _decoded(match: re.Match[bytes]) -> bytes:
    value = int(match[1], 16)
    return bytes([value]) if value in _UNRESERVED else match[0].upper()
