"""DNS messages: bytes to values and back. Pure; made for hostile input. Source: RFC 1035.

Names are lower-case text without the final dot. A compression pointer must point backwards of
everything read so far for its name, so a loop can't be written down.
"""

import re
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from pai.errors import PaiError

A, NS, CNAME, SOA, AAAA, OPT = 1, 2, 5, 6, 28, 41
IN = 1
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
_RESPONSE, _AUTHORITATIVE, _TRUNCATED = 0x8000, 0x0400, 0x0200
_RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x0100, 0x0080
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_LABEL = re.compile(rb"[\x21-\x2d\x2f-\x7e]{1,63}")
MAX_RECORDS = 256


class DnsFormatError(PaiError):
    """Bytes that are no DNS message, or a name that can't be written in one."""

    reason = "DnsFormat"


class Question(NamedTuple):
    """What is asked; class IN."""

    name: str
    qtype: int


class Record(NamedTuple):
    """One answer. value: address text, a name for CNAME, empty for other types."""

    name: str
    qtype: int
    ttl: int
    value: str


class Message(NamedTuple):
    """A query or a response. opcode 0 = standard query."""

    id: int
    response: bool
    opcode: int
    truncated: bool
    rcode: int
    questions: tuple[Question, ...]
    answers: tuple[Record, ...]


def encode_name(name: str) -> bytes:
    """Return the wire form of a name.

    Raises DnsFormatError.
    """
    text = name.removesuffix(".")
    labels = text.encode("ascii", "backslashreplace").split(b".") if text else []
    if not text.isascii() or not all(_LABEL.fullmatch(label) for label in labels):
        raise DnsFormatError(f"{name!r} is not a host name")
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(wire) > 255:
        raise DnsFormatError("a name of more than 255 bytes")
    return wire


def decode_name(data: bytes, position: int) -> tuple[str, int]:
    """Return the name at `position` and the position after it.

    Raises DnsFormatError.
    """
    labels: list[bytes] = []
    total = 0
    after = -1
    lowest = position
    while True:
        size = _byte(data, position)
        if size >= 0xC0:
            target = (size & 0x3F) << 8 | _byte(data, position + 1)
            after = position + 2 if after < 0 else after
            if target >= lowest:
                raise DnsFormatError("a compression pointer that does not point backwards")
            lowest = position = target
            continue
        if size == 0:
            return b".".join(labels).decode("ascii").lower(), after if after >= 0 else position + 1
        label = data[position + 1 : position + 1 + size]
        total += size + 1
        if size > 63 or total > 254 or len(label) < size or _LABEL.fullmatch(label) is None:
            raise DnsFormatError("a malformed label")
        labels.append(label)
        position += 1 + size


def _byte(data: bytes, position: int) -> int:
    if position >= len(data):
        raise DnsFormatError("the message ends within a name")
    return data[position]


def decode(data: bytes) -> Message:
    """Parse a message; of the records only those of the answer section.

    Raises DnsFormatError.
    """
    if len(data) < 12:
        raise DnsFormatError("shorter than a header")
    number, flags, questions, answers, _, _ = _HEADER.unpack_from(data)
    if questions > 1 or answers > MAX_RECORDS:
        raise DnsFormatError("too many records")
    position = 12
    asked: list[Question] = []
    for _ in range(questions):
        question, position = _decode_question(data, position)
        asked.append(question)
    found: list[Record] = []
    for _ in range(answers):
        record, position = _decode_record(data, position)
        found.append(record)
    return Message(
        number,
        bool(flags & _RESPONSE),
        flags >> 11 & 0xF,
        bool(flags & _TRUNCATED),
        flags & 0xF,
        tuple(asked),
        tuple(found),
    )


def _decode_question(data: bytes, position: int) -> tuple[Question, int]:
    name, position = decode_name(data, position)
    if position + 4 > len(data):
        raise DnsFormatError("the message ends within a question")
    qtype, qclass = struct.unpack_from("!HH", data, position)
    if qclass != IN:
        raise DnsFormatError("a class other than IN")
    return Question(name, qtype), position + 4


def _decode_record(data: bytes, position: int) -> tuple[Record, int]:
    name, position = decode_name(data, position)
    if position + 10 > len(data):
        raise DnsFormatError("the message ends within a record")
    qtype, _, ttl, size = _RECORD.unpack_from(data, position)
    position += 10
    end = position + size
    if end > len(data):
        raise DnsFormatError("the message ends within a record")
    return Record(name, qtype, ttl & 0x7FFFFFFF, _value(data, qtype, position, end)), end


def _value(data: bytes, qtype: int, position: int, end: int) -> str:
    if qtype == A and end - position == 4:
        return str(IPv4Address(data[position:end]))
    if qtype == AAAA and end - position == 16:
        return str(IPv6Address(data[position:end]))
    if qtype in (A, AAAA):
        raise DnsFormatError("an address of the wrong size")
    if qtype == CNAME:
        name, after = decode_name(data, position)
        if after != end:
            raise DnsFormatError("an alias of the wrong size")
        return name
    return ""


def encode_query(number: int, question: Question) -> bytes:
    """Return a recursive query.

    Raises DnsFormatError.
    """
    header = _HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, 0)
    return header + _encode_question(question)


def _encode_question(question: Question) -> bytes:
    return encode_name(question.name) + struct.pack("!HH", question.qtype, IN)


def encode_response(
    number: int,
    question: Question | None,
    addresses: Sequence[str] = (),
    *,
    rcode: int = NOERROR,
    ttl: int = 0,
    truncated: bool = False,
) -> bytes:
    """Return a response that answers `question` with those addresses that fit its type."""
    flags = _RESPONSE | _AUTHORITATIVE | _RECURSION_DESIRED | _RECURSION_AVAILABLE | rcode
    flags |= _TRUNCATED if truncated else 0
    records = b""
    count = 0
    for address in map(ip_address, addresses):
        kind = A if address.version == 4 else AAAA
        if question is not None and question.qtype == kind:
            packed = address.packed
            records += b"\xc0\x0c" + _RECORD.pack(kind, IN, ttl, len(packed)) + packed
            count += 1
    header = _HEADER.pack(number, flags, question is not None, count, 0, 0)
    return header + (_encode_question(question) if question else b"") + records


def follow(message: Message, question: Question) -> tuple[list[str], int]:
    """Return the addresses that answer `question`, over aliases, and the lowest TTL met.

    Records of names that the alias chain does not reach are ignored.
    """
    aliases = {r.name: r for r in message.answers if r.qtype == CNAME}
    name = question.name
    ttl = 0x7FFFFFFF
    for _ in range(16):
        found = [r for r in message.answers if r.name == name and r.qtype == question.qtype]
        if found:
            return [r.value for r in found], min(ttl, *(r.ttl for r in found))
        alias = aliases.pop(name, None)
        if alias is None:
            break
        ttl = min(ttl, alias.ttl)
        name = alias.value
    return [], ttl
