"""DNS: a codec, a client that never asks the system's resolver, and a responder for agents."""

from pai.wire.dns.cache import Cache, Found, NameRefusedError, ResolveError
from pai.wire.dns.message import AAAA, A, DnsFormatError, Message, Question, Record
from pai.wire.dns.resolver import Resolver
from pai.wire.dns.responder import Answer, DnsResponder

__all__ = [
    "AAAA",
    "A",
    "Answer",
    "Cache",
    "DnsFormatError",
    "DnsResponder",
    "Found",
    "Message",
    "NameRefusedError",
    "Question",
    "Record",
    "ResolveError",
    "Resolver",
]
