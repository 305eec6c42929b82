"""A snapshot made ready for use: everything a request needs is found by one or two look-ups."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pai.budget.estimate import LearnedRatio
from pai.budget.fit import Ask
from pai.budget.model_facts import ModelFacts, model_facts
from pai.dialect.openai import ChatRequest
from pai.ir.agent import Price
from pai.ir.ledger import agent_subject, model_subject
from pai.ir.snapshot import GatewayAgent, GatewayBinding, GatewaySnapshot
from pai.providers.redact import Redactor
from pai.wire.endpoint import Endpoint

DEFAULT_MODEL = "default"
_CHAT = "/chat/completions"
_DUMMY_KEY = b"pai-redacted-credential"
_NATIVE_HOSTS = {
    "anthropic": "api.anthropic.com",
    "gemini": "generativelanguage.googleapis.com",
}
_NATIVE_PATHS = frozenset({"", "/v1beta"})
_MOST_VERIFIED = 4096
_NEWER_CAP = ("o1", "o3", "o4", "gpt-5")


@dataclass(frozen=True, slots=True)
class Route:
    """One agent's way to one model.

    endpoint None: this binding can't be served, `unserved` says why. authorization: value of that
    header, with the vendor's key.
    """

    name: str
    binding: GatewayBinding
    subjects: tuple[str, str]
    max_per_request: int | None
    endpoint: Endpoint | None
    target: bytes
    authorization: bytes | None
    redactor: Redactor | None
    facts: ModelFacts
    price: Price | None
    cap_field: str
    model_header: tuple[bytes, bytes]
    unserved: str = ""

    def ask(self, request: ChatRequest, ratio: LearnedRatio, *, learn: bool) -> Ask:
        """Return what a request may cost on this route."""
        cap = self.facts.max_output if request.cap is None else request.cap
        inputs = ratio.inputs(request.shape, self.facts, learn=learn)
        return Ask(inputs, cap, request.answers, request.cap is not None)


@dataclass(frozen=True, slots=True)
class AgentRoutes:
    """What one agent may use. positions: binding names and vendors' ids, to places in `routes`."""

    id: str
    token_sha256: str
    routes: tuple[Route, ...]
    positions: Mapping[str, int]

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
    """All agents of a snapshot, by their tokens."""

    def __init__(self, snapshot: GatewaySnapshot) -> None:
        self.snapshot = snapshot
        self._verified: dict[bytes, AgentRoutes] = {}  # headers whose token has been checked
        bindings = {binding.id: binding for binding in snapshot.bindings}
        bases = {binding.id: _base(binding) for binding in snapshot.bindings}
        self._agents = {
            agent.token_sha256: _agent_routes(agent, bindings, bases) for agent in snapshot.agents
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


@dataclass(frozen=True, slots=True)
class _Base:
    """What all agents' routes to one binding have in common."""

    endpoint: Endpoint | None
    target: bytes
    redactor: Redactor | None
    unserved: str


def _base(binding: GatewayBinding) -> _Base:
    key = (binding.api_key or "").encode()
    url = urlsplit(binding.endpoint)
    unserved = _why_unserved(binding, url.scheme, url.hostname, url.path)
    endpoint = None
    if not unserved and url.hostname:
        scheme = "https" if url.scheme == "https" else "http"
        port = url.port or (443 if scheme == "https" else 80)
        partition = hashlib.sha256(key).hexdigest()
        endpoint = Endpoint("https" if scheme == "https" else "http", url.hostname, port, partition)
    target = (url.path.rstrip("/") + _CHAT).encode("ascii", "replace")
    return _Base(endpoint, target, Redactor((key,), _DUMMY_KEY) if key else None, unserved)


def _why_unserved(binding: GatewayBinding, scheme: str, host: str | None, path: str) -> str:
    if scheme not in ("http", "https") or not host:
        return "its endpoint is not an http or https URL"
    native = _NATIVE_HOSTS.get(binding.provider)
    if host == native and path.rstrip("/") in _NATIVE_PATHS:
        return (
            f"the {binding.provider} API is not served yet;"
            " give the ModelBinding an OpenAI-compatible 'endpoint'"
        )
    return ""


def _agent_routes(
    agent: GatewayAgent, bindings: Mapping[str, GatewayBinding], bases: Mapping[str, _Base]
) -> AgentRoutes:
    routes = tuple(
        _route(agent, bindings[each], bases[each]) for each in agent.bindings if each in bindings
    )
    positions: dict[str, int] = {}
    for position, route in enumerate(routes):
        positions.setdefault(route.name, position)
    for position, route in enumerate(routes):
        positions.setdefault(route.binding.model, position)
    return AgentRoutes(agent.id, agent.token_sha256, routes, positions)


def _route(agent: GatewayAgent, binding: GatewayBinding, base: _Base) -> Route:
    name = binding.id.rpartition("/")[2]
    facts = model_facts(binding.model)
    newer = binding.model.startswith(_NEWER_CAP)
    limits = (agent.limits.max_per_request, binding.limits.max_per_request)
    return Route(
        name=name,
        binding=binding,
        subjects=(agent_subject(agent.id), model_subject(binding.id)),
        max_per_request=min((limit for limit in limits if limit is not None), default=None),
        endpoint=base.endpoint,
        target=base.target,
        authorization=f"Bearer {binding.api_key}".encode() if binding.api_key else None,
        redactor=base.redactor,
        facts=facts,
        price=binding.prices or facts.price,
        cap_field="max_completion_tokens" if newer else "max_tokens",
        model_header=(b"x-pai-model", name.encode()),
        unserved=base.unserved,
    )
