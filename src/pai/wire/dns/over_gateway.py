"""How a sidecar without a resolver asks the gateway for a name: path, question, answer. Pure.

Both ends read strictly: a name is letters, digits, '-' and '_' between dots, never escaped, so
nothing that is asked for can end a line or say two things.
"""

import re
from ipaddress import ip_address

import msgspec

from pai.wire.dns.cache import Found
from pai.wire.dns.message import AAAA, A, DnsFormatError, Question

OWN_PATHS = b"/pai/"  # for sidecars themselves: no request of an agent is led there
PATH = OWN_PATHS + b"resolve"
ANSWER_BYTES = 4096
MAX_ADDRESSES = 8  # of one family; a name with more is tried no further
LONGEST_NAME = 253

_LABEL = r"[a-z0-9_-]{1,63}"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_QUERY = re.compile(rb"name=([!-%'-~]+)&type=(A|AAAA)")
_TYPES = {"A": A, "AAAA": AAAA}
_TYPE_NAMES = {number: name for name, number in _TYPES.items()}
_decoder = msgspec.json.Decoder(Found)


def target_of(question: Question) -> bytes:
    """Return path and query that ask for a name.

    Raises DnsFormatError.
    """
    _check(question.name)
    kind = _TYPE_NAMES.get(question.qtype)
    if kind is None:
        raise DnsFormatError(f"type {question.qtype}: only addresses can be asked for")
    return PATH + f"?name={question.name}&type={kind}".encode("ascii")


def question_of(query: bytes) -> Question:
    """Return what a query asks for.

    Raises DnsFormatError.
    """
    found = _QUERY.fullmatch(query)
    if found is None:
        raise DnsFormatError("want ?name=HOST&type=A or type=AAAA, with nothing escaped")
    name, kind = (part.decode("ascii") for part in found.groups())
    _check(name)
    return Question(name, _TYPES[kind])


def answer_of(body: bytes, question: Question) -> Found:
    """Return what an answer holds.

    Raises DnsFormatError for one that does not fit the question.
    """
    try:
        found = _decoder.decode(body)
        versions = {ip_address(address).version for address in found.addresses}
    except (msgspec.DecodeError, ValueError):
        raise DnsFormatError("an answer that can't be read") from None
    if len(found.addresses) > MAX_ADDRESSES or versions - {4 if question.qtype == A else 6}:
        raise DnsFormatError("an answer to another question")
    return found


def _check(name: str) -> None:
    if len(name) > LONGEST_NAME or _NAME.fullmatch(name) is None:
        raise DnsFormatError(f"{name[:LONGEST_NAME]!r} is not a host name")
