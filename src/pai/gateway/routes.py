"""A snapshot made ready for use: everything a request needs is found by one or two look-ups."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from pai.budget.estimate import InputShape, LearnedRatio
from pai.budget.fit import Ask
from pai.budget.model_facts import ModelFacts, model_facts
from pai.dialect.openai import cap_field
from pai.dialect.sides import Reading
from pai.gateway.breaker import Breaker
from pai.gateway.gate import Gate
from pai.gateway.ways import Way, ways_of
from pai.ir.agent import Price
from pai.ir.ledger import agent_subject, model_subject
from pai.ir.snapshot import GatewayAgent, GatewayBinding, GatewaySnapshot
from pai.providers.redact import Redactor
from pai.wire.endpoint import Endpoint

DEFAULT_MODEL: Final = "default"
_DUMMY_KEY: Final = b"pai-redacted-credential"
_MOST_VERIFIED: Final = 4096


class Health:
    """What a worker knows of a binding that outlives a snapshot."""

    __slots__ = ("breaker", "gate")

    def __init__(self, max_concurrent: int | None) -> None:
        self.breaker = Breaker()
        self.gate = Gate(max_concurrent)


@dataclass(frozen=True, slots=True)
class Route:
    """One agent's way to one model.

    endpoint None: this binding can't be served, `unserved` says why. base: path of the endpoint.
    ways: by client dialect.
    """

    name: str
    binding: GatewayBinding
    subjects: tuple[str, str]
    max_per_request: int | None
    endpoint: Endpoint | None
    base: str
    ways: Mapping[str, Way]
    redactor: Redactor | None
    health: "Health"
    facts: ModelFacts
    price: Price | None
    cap_field: str
    model_header: tuple[bytes, bytes]
    unserved: str = ""

    def ask(self, request: Reading, shape: InputShape, ratio: LearnedRatio, *, learn: bool) -> Ask:
        """Return what a request of that shape may cost on this route."""
        cap = self.facts.max_output if request.cap is None else request.cap
        inputs = ratio.inputs(shape, self.facts, learn=learn)
        return Ask(inputs, cap, request.answers, request.cap is not None)


@dataclass(frozen=True, slots=True)
class AgentRoutes:
    """What one agent may use. positions: binding names and vendors' ids, to places in `routes`."""

    id: str
    token_sha256: str
    routes: tuple[Route, ...]
    positions: Mapping[str, int]
    gate: Gate

    def chain(self, model: str | None) -> tuple[Route, ...]:
        """Return the routes to try in order; empty when the agent has no such model."""
        if model is None or model in ("", DEFAULT_MODEL):
            return self.routes
        position = self.positions.get(model)
        if position is None:
            return ()
        chosen = self.routes[position]
        return self.routes[position:] if chosen.binding.fallback else (chosen,)

    @property
    def names(self) -> list[str]:
        """Names of the agent's models, in order."""
        return [route.name for route in self.routes]


class RouteTable:
    """All agents of a snapshot, by their tokens. before: whose running state is taken over."""

    def __init__(self, snapshot: GatewaySnapshot, before: "RouteTable | None" = None) -> None:
        self.snapshot = snapshot
        self._verified: dict[bytes, AgentRoutes] = {}  # headers whose token has been checked
        bindings = {binding.id: binding for binding in snapshot.bindings}
        self._healths: dict[str, Health] = _healths(
            snapshot, {} if before is None else before._healths
        )
        self._gates: dict[str, Gate] = _gates(snapshot, {} if before is None else before._gates)
        bases = {each.id: _base(each, self._healths[each.id]) for each in snapshot.bindings}
        self._agents = {
            agent.token_sha256: _agent_routes(agent, bindings, bases, self._gates[agent.id])
            for agent in snapshot.agents
        }
        self.limits = {
            **{agent_subject(agent.id): agent.limits.max_per_day for agent in snapshot.agents},
            **{model_subject(each.id): each.limits.max_per_day for each in snapshot.bindings},
        }

    def agent(self, authorization: bytes | None) -> AgentRoutes | None:
        """Return the agent whose token this is, or None."""
        if authorization is None:
            return None
        known = self._verified.get(authorization)  # compared as a whole only when hashes agree
        if known is not None:
            return known
        if authorization[:7].lower() != b"bearer ":
            return None
        digest = hashlib.sha256(authorization[7:].strip()).hexdigest()
        found = self._agents.get(digest)  # keyed by a hash: its timing tells nothing of a token
        if found is None or not hmac.compare_digest(found.token_sha256, digest):
            return None
        if len(self._verified) >= _MOST_VERIFIED:
            self._verified.clear()
        self._verified[authorization] = found
        return found

    @property
    def agents(self) -> Mapping[str, AgentRoutes]:
        """All agents, by the hashes of their tokens."""
        return self._agents


@dataclass(frozen=True, slots=True)
class _Base:
    """What all agents' routes to one binding have in common."""

    endpoint: Endpoint | None
    base: str
    ways: Mapping[str, Way]
    redactor: Redactor | None
    health: Health
    unserved: str


def _healths(snapshot: GatewaySnapshot, before: Mapping[str, Health]) -> dict[str, Health]:
    found = {}
    for binding in snapshot.bindings:
        known = before.get(binding.id) or Health(binding.limits.max_concurrent)
        known.gate.set_limit(binding.limits.max_concurrent)
        found[binding.id] = known
    return found


def _gates(snapshot: GatewaySnapshot, before: Mapping[str, Gate]) -> dict[str, Gate]:
    found = {}
    for agent in snapshot.agents:
        known = before.get(agent.id) or Gate(agent.limits.max_concurrent)
        known.set_limit(agent.limits.max_concurrent)
        found[agent.id] = known
    return found


def _base(binding: GatewayBinding, health: Health) -> _Base:
    key = (binding.api_key or "").encode()
    redactor = Redactor((key,), _DUMMY_KEY) if key else None
    url = urlsplit(binding.endpoint)
    if url.scheme not in ("http", "https") or not url.hostname:
        return _Base(None, "", {}, redactor, health, "its endpoint is not an http or https URL")
    port = url.port or (443 if url.scheme == "https" else 80)
    partition = hashlib.sha256(key).hexdigest()
    scheme: Literal["http", "https"] = "https" if url.scheme == "https" else "http"
    endpoint = Endpoint(scheme, url.hostname, port, partition)
    base = url.path.rstrip("/")
    return _Base(endpoint, base, ways_of(binding, url), redactor, health, "")


def _agent_routes(
    agent: GatewayAgent,
    bindings: Mapping[str, GatewayBinding],
    bases: Mapping[str, _Base],
    gate: Gate,
) -> AgentRoutes:
    routes = tuple(
        _route(agent, bindings[each], bases[each]) for each in agent.bindings if each in bindings
    )
    positions: dict[str, int] = {}
    for position, route in enumerate(routes):
        positions.setdefault(route.name, position)
    for position, route in enumerate(routes):
        positions.setdefault(route.binding.model, position)
    return AgentRoutes(agent.id, agent.token_sha256, routes, positions, gate)


def _route(agent: GatewayAgent, binding: GatewayBinding, base: _Base) -> Route:
    name = binding.id.rpartition("/")[2]
    facts = model_facts(binding.model)
    limits = (agent.limits.max_per_request, binding.limits.max_per_request)
    return Route(
        name=name,
        binding=binding,
        subjects=(agent_subject(agent.id), model_subject(binding.id)),
        max_per_request=min((limit for limit in limits if limit is not None), default=None),
        endpoint=base.endpoint,
        base=base.base,
        ways=base.ways,
        redactor=base.redactor,
        health=base.health,
        facts=facts,
        price=binding.prices or facts.price,
        cap_field=cap_field(binding.model),
        model_header=(b"x-pai-model", name.encode()),
        unserved=base.unserved,
    )
