"""DNS: a codec, a client that never asks the system's resolver, and a responder for agents."""

from pai.wire.dns.message import AAAA, A, DnsFormatError, Message, Question, Record
from pai.wire.dns.resolver import ResolveError, Resolver
from pai.wire.dns.responder import Answer, DnsResponder

__all__ = [
    "AAAA",
    "A",
    "Answer",
    "DnsFormatError",
    "DnsResponder",
    "Message",
    "Question",
    "Record",
    "ResolveError",
    "Resolver",
]
