"""Addresses for sidecars of a cluster, which ask no nameserver: of what an agent declared alone.

A sidecar's network is its agent's. Were a way to DNS open for the one, data could leave by it from
the other; asked for here, a name has to be one that the agent may reach anyway.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from pai.dialect.refused import Refused
from pai.gateway.refusal import JSON, Failure
from pai.ir.snapshot import GatewayAgent, GatewaySnapshot, Network
from pai.wire.bucket import Bucket
from pai.wire.dial import resolver_of
from pai.wire.dns import DnsFormatError, Found, Question, ResolveError, Resolver
from pai.wire.dns.over_gateway import MAX_ADDRESSES, question_of
from pai.wire.exchange import Exchange
from pai.wire.message import Headers

PER_SECOND, BURST = 20.0, 60.0  # questions of one agent that nameservers are asked
MOST_PENDING = 512
_EVERY = "*"


class _Declared(NamedTuple):
    """What one agent may ask for. suffixes: with their first dot."""

    exact: frozenset[str]
    suffixes: frozenset[str]
    every: bool
    bucket: Bucket

    def holds(self, name: str) -> bool:
        """Say whether a name was declared: the exact one, or below a `*.suffix`."""
        if self.every or name in self.exact:
            return True
        dots = (place for place, letter in enumerate(name) if letter == ".")
        return any(name[dot:] in self.suffixes for dot in dots)


class Names:
    """Serves questions. It has a resolver of its own: models' hosts never wait for agents'."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._agents: dict[str, _Declared] = {}
        self._network: Network | None = None
        self._resolver = Resolver(())

    def apply(self, snapshot: GatewaySnapshot) -> None:
        """Answer by a new snapshot from now on. What agents have used of their rate stays used."""
        if snapshot.network != self._network:
            self._network, self._resolver = snapshot.network, resolver_of(snapshot.network)
        self._agents = {agent.id: self._declared(agent) for agent in snapshot.agents}

    def _declared(self, agent: GatewayAgent) -> _Declared:
        known = self._agents.get(agent.id)
        return _Declared(
            exact=frozenset(agent.names),
            suffixes=frozenset(name[1:] for name in agent.names if name.startswith("*.")),
            every=_EVERY in agent.names,
            bucket=known.bucket if known else Bucket(PER_SECOND, BURST, self._now),
        )

    async def serve(self, exchange: Exchange, agent: str, own: Headers) -> Failure | None:
        """Answer one question of a sidecar of `agent`: its id, as its token proved it."""
        if exchange.head.method != b"GET":
            return Failure(Refused.WRONG_METHOD, "use GET")
        try:
            question = question_of(exchange.head.query)
        except DnsFormatError as error:
            return Failure(Refused.BAD_NAME, error.message)
        failure = self._refusal(agent, question)
        if failure is not None:
            return failure
        try:
            found = await self._resolver.find(question)
        except ResolveError as error:
            return Failure(Refused.NO_ANSWER, error.message)
        answer = Found(found.addresses[:MAX_ADDRESSES], round(found.ttl, 3))
        await exchange.respond(200, [JSON, *own], msgspec.json.encode(answer))
        return None

    def _refusal(self, agent: str, question: Question) -> Failure | None:
        """Say why a question is not answered, if it is not; held answers cost nobody anything."""
        declared = self._agents.get(agent)
        if declared is None or not declared.holds(question.name):
            reason = f"{question.name} is no host of a provider or of egress.allow of this agent"
            return Failure(Refused.UNDECLARED_NAME, reason)
        cache = self._resolver.cache
        if cache.held(question) is not None:
            return None
        if cache.pending >= MOST_PENDING or not declared.bucket.take():
            return Failure(Refused.NAMES_BUSY, "too many names at once", None, 1)
        return None
