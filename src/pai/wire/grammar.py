"""Heads of HTTP/1.1 messages: bytes in, `RequestHead` or `ResponseHead` out. Pure.

Fields are split by llhttp in its strict mode, which refuses obs-fold, bare CR or LF, spaces around
names, control characters, a repeated or signed Content-Length and Content-Length beside
Transfer-Encoding. What llhttp tolerates (its own ideas of start lines, a second Host, HTTP/1.0
oddities) is refused here. Every fault is `Malformed`: an ambiguous message is never repaired.
Source: RFC 9112, RFC 9110.
"""

import re

import httptools

from pai.wire.message import FRAMING, Headers, Malformed, RequestHead, ResponseHead

_REQUEST_LINE = re.compile(rb"([A-Z][A-Z-]{0,30}+) ([\x21\x22\x24-\x7e]++) HTTP/1\.([01])\r\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*+))?\r\n")
_AUTHORITY = re.compile(
    rb"(?:(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?)"
    rb"|\[(?P<v6>[0-9A-Fa-f:.]{2,45})\])(?::(?P<port>[0-9]{1,5}))?"
)
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?]+)(/.*|\?.*)?", re.DOTALL)
_DIGITS = re.compile(rb"[0-9]{1,18}")
_SPECIAL = FRAMING | {b"host"}
_NO_BODY = frozenset((204, 304))


class _Fields:
    """Collects what llhttp finds; fields the kernel itself must understand are kept apart."""

    __slots__ = ("headers", "special")

    def __init__(self) -> None:
        self.headers: Headers = []
        self.special: dict[bytes, list[bytes]] = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if value[-1:] in b" \t":  # llhttp leaves spaces that end a value
            value = value.rstrip(b" \t")
        if name in _SPECIAL:
            self.special.setdefault(name, []).append(value)
            if name != b"host":
                return
        self.headers.append((name, value))


def parse_request(block: bytes, max_fields: int = 100) -> RequestHead:
    """Parse one request head. block: from the method to the empty line, inclusive.

    Raises Malformed.
    """
    line = _REQUEST_LINE.match(block)
    if line is None:
        raise Malformed("the request line is not of the form METHOD target HTTP/1.1")
    fields = _Fields()
    _feed(httptools.HttpRequestParser(fields), block, max_fields)
    head = RequestHead()
    head.method, target, minor = line.groups()
    head.http11 = minor == b"1"
    head.headers = fields.headers
    _set_host(head, fields.special.get(b"host", []))
    _set_target(head, target)
    _set_framing(head, fields.special, head.http11)
    _set_options(head, fields.special)
    return head


def _feed(
    parser: "httptools.HttpRequestParser | httptools.HttpResponseParser",
    block: bytes,
    max_fields: int,
) -> None:
    if block.count(b"\n") - 2 > max_fields:
        raise Malformed(f"more than {max_fields} header fields", 431)
    try:
        parser.feed_data(block)
    except httptools.HttpParserUpgrade:
        pass  # llhttp's view of Upgrade and CONNECT; ours is taken from the fields
    except httptools.HttpParserError as error:
        raise Malformed(f"the header is malformed: {error}") from None


def _set_framing(
    head: RequestHead | ResponseHead, special: dict[bytes, list[bytes]], http11: bool
) -> None:
    lengths = special.get(b"content-length")
    head.content_length = None if lengths is None else _length(lengths)
    codings = special.get(b"transfer-encoding")
    head.chunked = codings is not None and _chunked(codings, http11)
    if head.chunked and lengths is not None:
        raise Malformed("Content-Length beside Transfer-Encoding")


def _set_options(head: RequestHead, special: dict[bytes, list[bytes]]) -> None:
    head.upgrade = None
    head.expect_continue = False
    head.keep_alive = head.http11
    if expectations := special.get(b"expect"):
        if [value.lower() for value in expectations] != [b"100-continue"]:
            raise Malformed("an Expect other than 100-continue", 417)
        head.expect_continue = head.http11
    if connection := special.get(b"connection"):
        options = _drop_connection_options(head.headers, connection)
        if b"close" in options:
            head.keep_alive = False
        if b"upgrade" in options and head.http11 and not head.has_body:
            head.upgrade = _websocket(special.get(b"upgrade", []))


def _drop_connection_options(headers: Headers, values: list[bytes]) -> set[bytes]:
    """Remove the fields that Connection names; return its options in lower case."""
    options = {option.strip(b" \t").lower() for value in values for option in value.split(b",")}
    named = options - {b"close", b"keep-alive", b"upgrade", b"host", b""}
    if named:
        headers[:] = [pair for pair in headers if pair[0] not in named]
    return options


def _websocket(values: list[bytes]) -> bytes | None:
    # other protocols (h2c above all) would open a way around every rule of the proxy
    return b"websocket" if len(values) == 1 and values[0].lower() == b"websocket" else None


def _length(values: list[bytes]) -> int:
    if len(values) != 1:
        raise Malformed("more than one Content-Length")
    if _DIGITS.fullmatch(values[0]) is None:
        raise Malformed("Content-Length is not a number")
    return int(values[0])


def _chunked(values: list[bytes], http11: bool) -> bool:
    if not http11 or len(values) != 1 or values[0].lower() != b"chunked":
        raise Malformed("a Transfer-Encoding other than one 'chunked'")
    return True


def _set_host(head: RequestHead, hosts: list[bytes]) -> None:
    if len(hosts) != 1:
        raise Malformed("there must be exactly one Host")
    head.host, head.port = split_authority(hosts[0])


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


def parse_response(block: bytes, method: bytes, max_fields: int = 100) -> ResponseHead:
    """Parse one response head. method: of the request it answers; it decides about the body.

    Raises Malformed.
    """
    line = _STATUS_LINE.match(block)
    if line is None:
        raise Malformed("the status line is not of the form HTTP/1.1 status reason")
    fields = _Fields()
    _feed(httptools.HttpResponseParser(fields), block, max_fields)
    minor, status, reason = line.groups()
    head = ResponseHead()
    head.status, head.reason = int(status), reason or b""
    head.headers = fields.headers
    special = fields.special
    _set_framing(head, special, minor == b"1")
    head.keep_alive = minor == b"1"
    connection = special.get(b"connection")
    if connection and b"close" in _drop_connection_options(head.headers, connection):
        head.keep_alive = False
    head.upgrade = _websocket(special.get(b"upgrade", [])) if head.status == 101 else None
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
