"""Heads of HTTP/1.1 messages: bytes in, `RequestHead` or `ResponseHead` out. Pure.

One strict grammar, read line by line: lines end with CR LF and hold no other CR, LF or control
character, names are tokens that touch their colon, nothing is folded. Every fault is `Malformed`:
an ambiguous message is never repaired. Lines of fields that repeat from message to message and
carry no secret are remembered once they were checked, which makes this faster than a parser in C
that has to call back for each field; llhttp stands beside it in the tests as a second opinion.
Source: RFC 9112, RFC 9110.
"""

import re
from functools import lru_cache
from typing import Final

from pai.wire.errors import Malformed
from pai.wire.message import FRAMING, Headers, RequestHead, ResponseHead

_METHODS: Final = frozenset(
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH ACL BIND CHECKOUT COPY LABEL LINK LOCK "
    b"MERGE MKACTIVITY MKCALENDAR MKCOL MKWORKSPACE MOVE ORDERPATCH PROPFIND PROPPATCH PURGE QUERY "
    b"REBIND REPORT SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE".split()
)
_TARGET: Final = re.compile(rb"[\x21\x22\x24-\x7e]++")
_STATUS_LINE: Final = re.compile(
    rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*+))?"
)
_FIELD: Final = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]++):[ \t]*+((?:[\x21-\x7e\x80-\xff]++|[ \t]++(?!$))*+)[ \t]*+"
)
_AUTHORITY: Final = re.compile(
    rb"(?:(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?)"
    rb"|\[(?P<v6>[0-9A-Fa-f:.]{2,45})\])(?::(?P<port>[0-9]{1,5}))?"
)
_ABSOLUTE: Final = re.compile(rb"(?i:https?)://([^/?]+)(/.*|\?.*)?", re.DOTALL)
_MOST_DIGITS: Final = 18
_FRAMED_BY: Final = (b"content-length", b"transfer-encoding")
_SPECIAL: Final = FRAMING | {b"host"}
# Fields that may be listed in several lines; of all other special ones a second is refused.
_LISTS: Final = FRAMING - {*_FRAMED_BY, b"expect"}
_NO_BODY: Final = frozenset((204, 304))

_REMEMBERED_NAMES: Final = frozenset(
    b"accept accept-encoding accept-language accept-ranges access-control-allow-origin "
    b"access-control-expose-headers alt-svc anthropic-beta anthropic-ratelimit-input-tokens-limit "
    b"anthropic-ratelimit-output-tokens-limit anthropic-ratelimit-requests-limit "
    b"anthropic-ratelimit-tokens-limit anthropic-version cache-control cf-cache-status connection "
    b"content-encoding content-length content-type expect host keep-alive openai-beta "
    b"openai-version referrer-policy server strict-transport-security transfer-encoding "
    b"user-agent vary via x-app x-content-type-options x-frame-options x-goog-api-client "
    b"x-ratelimit-limit-requests x-ratelimit-limit-tokens x-robots-tag x-stainless-arch "
    b"x-stainless-async x-stainless-lang x-stainless-os x-stainless-package-version "
    b"x-stainless-read-timeout x-stainless-retry-count x-stainless-runtime "
    b"x-stainless-runtime-version x-xss-protection".split()
)
_MAX_REMEMBERED: Final = 2048
_MAX_REMEMBERED_BYTES: Final = 256
_remembered: dict[bytes, tuple[bytes, bytes]] = {}


def _field(line: bytes) -> tuple[bytes, bytes]:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise Malformed("a header line is malformed")
    name, value = match.groups()
    pair = (name.lower(), value)
    if pair[0] in _FRAMED_BY and line.find(b"\t") >= 0:
        raise Malformed("a tab beside what frames the message")  # not all servers pass over it
    if pair[0] in _REMEMBERED_NAMES and len(line) <= _MAX_REMEMBERED_BYTES:
        if len(_remembered) >= _MAX_REMEMBERED:
            _remembered.clear()
        _remembered[line] = pair
    return pair


def _fields(lines: list[bytes], max_fields: int) -> tuple[Headers, dict[bytes, bytes]]:
    """Return the fields to pass on, and those that the kernel itself must understand."""
    if len(lines) > max_fields + 1:
        raise Malformed(f"more than {max_fields} header fields", 431)
    headers: Headers = []
    special: dict[bytes, bytes] = {}
    for line in lines[1:]:
        pair = _remembered.get(line) or _field(line)
        name = pair[0]
        if name not in _SPECIAL:
            headers.append(pair)
            continue
        if name in special:
            if name not in _LISTS:
                raise Malformed(f"more than one {name.decode()}")
            pair = (name, special[name] + b"," + pair[1])
        special[name] = pair[1]
        if name == b"host":
            headers.append(pair)
    return headers, special


def parse_request(block: bytes, max_fields: int = 100) -> RequestHead:
    """Parse one request head. block: from the method to the empty line, inclusive.

    Raises Malformed.
    """
    lines = block[:-4].split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) != 3 or words[0] not in _METHODS or words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Malformed("the request line is not of the form METHOD target HTTP/1.1")
    head = RequestHead()
    head.method, target, version = words
    head.http11 = http11 = version == b"HTTP/1.1"
    head.headers, special = _fields(lines, max_fields)
    host = special.get(b"host")
    if host is None:
        raise Malformed("there must be exactly one Host")
    head.host, head.port = split_authority(host)
    _set_target(head, target)
    _set_framing(head, special, http11)
    head.upgrade = None
    head.expect_continue = False
    head.keep_alive = http11
    if len(special) > 1:
        _set_options(head, special)
    return head


def _set_framing(
    head: RequestHead | ResponseHead, special: dict[bytes, bytes], http11: bool
) -> None:
    length = special.get(b"content-length")
    if length is None:
        head.content_length = None
    elif not length.isdigit() or len(length) > _MOST_DIGITS:
        raise Malformed("Content-Length is not a number")
    else:
        head.content_length = int(length)
    coding = special.get(b"transfer-encoding")
    head.chunked = coding is not None
    if coding is not None and (not http11 or coding.lower() != b"chunked"):
        raise Malformed("a Transfer-Encoding other than one 'chunked'")
    if coding is not None and length is not None:
        raise Malformed("Content-Length beside Transfer-Encoding")


def _set_options(head: RequestHead, special: dict[bytes, bytes]) -> None:
    expectation = special.get(b"expect")
    if expectation is not None:
        if expectation.lower() != b"100-continue":
            raise Malformed("an Expect other than 100-continue", 417)
        head.expect_continue = head.http11
    connection = special.get(b"connection")
    if connection is not None and connection != b"keep-alive":
        options = _drop_connection_options(head.headers, connection)
        if b"close" in options:
            head.keep_alive = False
        if b"upgrade" in options and head.http11 and not head.has_body:
            head.upgrade = _websocket(special.get(b"upgrade"))


def _drop_connection_options(headers: Headers, value: bytes) -> set[bytes]:
    """Remove the fields that Connection names; return its options in lower case."""
    options = {option.strip(b" \t").lower() for option in value.split(b",")}
    named = options - {b"close", b"keep-alive", b"upgrade", b"host", b""}
    if named:
        headers[:] = [pair for pair in headers if pair[0] not in named]
    return options


def _websocket(value: bytes | None) -> bytes | None:
    # other protocols (h2c above all) would open a way around every rule of the proxy
    return b"websocket" if value is not None and value.lower() == b"websocket" else None


@lru_cache(maxsize=1024)
def split_authority(authority: bytes) -> tuple[bytes, int | None]:
    """Split `host[:port]` into the lower-case name without brackets and the port.

    Raises Malformed when it is neither a name, an IPv4 nor a bracketed IPv6 address.
    """
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise Malformed("Host is not a name or an address")
    name, v6, digits = match.group("name", "v6", "port")
    port = None if digits is None else int(digits)
    if port is not None and not 0 < port < 65536:
        raise Malformed("Host has an impossible port")
    return (name or v6).lower(), port


def _set_target(head: RequestHead, target: bytes) -> None:
    if head.method == b"CONNECT":
        raise Malformed("CONNECT is not served here", 405)
    if _TARGET.fullmatch(target) is None:
        raise Malformed("the request target holds what must be encoded")
    if target[:1] != b"/":
        target = _reduce_absolute(head, target)
    head.target = target
    head.path, _, head.query = target.partition(b"?")


def _reduce_absolute(head: RequestHead, target: bytes) -> bytes:
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise Malformed("the request target is neither a path nor an http URL")
    host, port = split_authority(match[1])
    default = 443 if target[:5].lower() == b"https" else 80
    if host != head.host or (port or default) != (head.port or default):
        raise Malformed("the request target and Host name different hosts")
    rest = match[2] or b"/"
    return rest if rest[:1] == b"/" else b"/" + rest


def _status_line(line: bytes) -> tuple[bool, int, bytes]:
    """Return whether it is HTTP/1.1, status and reason. Raises Malformed."""
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise Malformed("the status line is not of the form HTTP/1.1 status reason")
    minor, status, reason = match.groups()
    return minor == b"1", int(status), reason or b""


_USUAL_STATUS: Final = {
    line: _status_line(line) for line in (b"HTTP/1.1 200 OK", b"HTTP/1.1 200 ", b"HTTP/1.1 200")
}


def parse_response(block: bytes, method: bytes, max_fields: int = 100) -> ResponseHead:
    """Parse one response head. method: of the request it answers; it decides about the body.

    Raises Malformed.
    """
    lines = block[:-4].split(b"\r\n")
    http11, status, reason = _USUAL_STATUS.get(lines[0]) or _status_line(lines[0])
    head = ResponseHead()
    head.status, head.reason = status, reason
    head.headers, special = _fields(lines, max_fields)
    _set_framing(head, special, http11)
    head.keep_alive = http11
    connection = special.get(b"connection")
    if connection is not None and b"close" in _drop_connection_options(head.headers, connection):
        head.keep_alive = False
    head.upgrade = _websocket(special.get(b"upgrade")) if head.status == 101 else None
    _set_body_rule(head, method)
    return head


def _set_body_rule(head: ResponseHead, method: bytes) -> None:
    """Apply RFC 9112 6.3: which responses have a body, and what ends it."""
    status = head.status
    without = method == b"HEAD" or status in _NO_BODY or status < 200
    if without and head.chunked and method != b"HEAD":
        raise Malformed(f"a {status} response can't be chunked")
    if (status < 200 or status == 204) and head.content_length:
        raise Malformed(f"a {status} response can't have a body")
    head.until_close = not without and not head.chunked and head.content_length is None
    if head.until_close:
        head.keep_alive = False
    head.has_body = not without and head.content_length != 0
    if without:
        head.chunked = False
