"""A stub resolver of our own: UDP, TCP on truncation, a bounded cache. Never getaddrinfo.

The system's resolver reads hosts files and search lists that an agent's pod shares, and it can't
be asked without a thread. A query is accepted only from the address it was sent to (connected
socket, random port), with its id and its question.
"""

import asyncio
import secrets
import struct
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from pai.wire.dns.cache import Cache, Found, ResolveError
from pai.wire.dns.message import (
    AAAA,
    NOERROR,
    NXDOMAIN,
    A,
    DnsFormatError,
    Message,
    Question,
    decode,
    encode_query,
    follow,
)

MIN_TTL_SECONDS, MAX_TTL_SECONDS, NEGATIVE_TTL_SECONDS = 1.0, 300.0, 10.0
TRY_SECONDS = 2.0
ROUNDS = 2


def parse_server(text: str, default_port: int = 53) -> tuple[str, int]:
    """Split `ip`, `ip:port`, `v6` or `[v6]:port`.

    Raises ValueError when the address is not an IP address.
    """
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    return str(ip_address(host)), int(port) if port else default_port


def system_nameservers(path: str = "/etc/resolv.conf") -> tuple[str, ...]:
    """Return the nameservers that the machine is configured with."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            lines = [line.split() for line in file]
    except OSError:
        return ()
    return tuple(words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")


class Resolver:
    """Finds addresses of names. static_hosts: name to `ip` or `ip:port`, consulted first.

    cache: where answers are kept, when they outlive this resolver.
    """

    def __init__(
        self,
        nameservers: Sequence[str],
        static_hosts: Mapping[str, str] | None = None,
        *,
        try_seconds: float = TRY_SECONDS,
        cache: Cache | None = None,
    ) -> None:
        self._servers = [parse_server(text) for text in nameservers]
        self._static = {name.lower().rstrip("."): at for name, at in (static_hosts or {}).items()}
        self._try_seconds = try_seconds
        self.cache = cache or Cache()

    def static(self, name: str) -> tuple[str, int | None] | None:
        """Return the fixed address and port of `name`; port None = the one asked for."""
        at = self._static.get(name.lower().rstrip("."))
        if at is None:
            return None
        host, port = parse_server(at, 0)
        return host, port or None

    async def resolve(self, name: str, qtype: int = A) -> tuple[str, ...]:
        """Return the addresses of `name` of one family; () when there is none, or no such name.

        Raises ResolveError when nobody answers.
        """
        return (await self.find(Question(name.lower().rstrip("."), qtype))).addresses

    async def resolve_all(self, name: str) -> tuple[str, ...]:
        """Return all addresses of `name`, IPv4 first."""
        v4 = await self.resolve(name, A)
        return v4 + await self.resolve(name, AAAA)

    async def find(self, question: Question) -> Found:
        """Return the answer to a question, and how long it holds.

        Raises ResolveError when nobody answers.
        """
        return await self.cache.find(question, self.ask)

    async def ask(self, question: Question) -> Found:
        """Ask the nameservers, whatever is held already.

        Raises ResolveError.
        """
        reason = "no nameserver is configured"
        for _ in range(ROUNDS):
            for server in self._servers:
                try:
                    message = await self._exchange(server, question)
                except (OSError, TimeoutError, DnsFormatError) as error:
                    reason = f"nameserver {server[0]}: {str(error) or 'no answer'}"
                    continue
                if message.rcode in (NOERROR, NXDOMAIN):
                    addresses, ttl = follow(message, question)
                    return bounded(Found(tuple(addresses), ttl))
                reason = f"nameserver {server[0]}: response code {message.rcode}"
        raise ResolveError(f"{question.name}: {reason}")

    async def _exchange(self, server: tuple[str, int], question: Question) -> Message:
        async with asyncio.timeout(self._try_seconds):
            message = await _ask_udp(server, question)
            return await _ask_tcp(server, question) if message.truncated else message


def bounded(found: Found) -> Found:
    """Return an answer that is kept neither for too short nor for too long. Pure."""
    seconds = min(max(found.ttl, MIN_TTL_SECONDS), MAX_TTL_SECONDS)
    if not found.addresses:
        seconds = min(seconds, NEGATIVE_TTL_SECONDS)
    return Found(found.addresses, seconds)


def _answers(message: Message, number: int, question: Question) -> bool:
    return message.response and message.id == number and message.questions == (question,)


class _Datagrams(asyncio.DatagramProtocol):
    """Waits for the one datagram that answers; others are somebody's guesses."""

    def __init__(self, number: int, question: Question) -> None:
        self._number, self._question = number, question
        self.answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        try:
            message = decode(data)
        except DnsFormatError:
            return
        if _answers(message, self._number, self._question) and not self.answer.done():
            self.answer.set_result(message)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _ask_udp(server: tuple[str, int], question: Question) -> Message:
    number = secrets.randbelow(0x10000)
    query = encode_query(number, question)
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(number, question), remote_addr=server
    )
    try:
        transport.sendto(query)
        return await protocol.answer
    finally:
        protocol.answer.cancel()
        transport.close()


async def _ask_tcp(server: tuple[str, int], question: Question) -> Message:
    number = secrets.randbelow(0x10000)
    query = encode_query(number, question)
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(struct.pack("!H", len(query)) + query)
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        message = decode(await reader.readexactly(size))
    except asyncio.IncompleteReadError:
        raise DnsFormatError("the answer was cut short") from None
    finally:
        writer.close()
    if not _answers(message, number, question):
        raise DnsFormatError("an answer to another question")
    return message
