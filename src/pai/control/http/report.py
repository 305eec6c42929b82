"""Everything about one agent in one answer, for `pai status`."""

from typing import Any

from pai.budget.day import utc_day
from pai.control.documents import AGENT
from pai.control.http.agent_logs import last_lines
from pai.control.http.services import Services
from pai.control.views import shown, tokens_of
from pai.errors import NotFoundError, PaiError
from pai.ir.agent import AgentKey
from pai.ir.ledger import agent_subject
from pai.reconcile import Observed, ObservedContainer
from pai.render.containers import STEPS
from pai.store.record import Record, ResourceKey

_LOG_LINES = 20


async def report(services: Services, key: AgentKey) -> dict[str, Any]:
    """Return object, usage, providers, replicas, events and last log lines of an agent.

    Without an engine replicas and log are empty. Raises NotFoundError.
    """
    record = agent_record(services, key)
    balances = await services.ledger.balances()
    used, reserved = tokens_of(record, balances)
    limit = services.catalog.limits.of(agent_subject(str(key)))
    observed = await _observed(services, key)
    return {
        "object": shown(record, balances),
        "usage": {"used": used, "reserved": reserved, "limit": limit},
        "providers": await _providers(services, key),
        "replicas": _replicas(services, key, record, observed),
        "events": await services.store.events(key),
        "lastLog": await _last_log(services, key, observed),
    }


def agent_record(services: Services, key: AgentKey) -> Record:
    """Return an agent's record. Raises NotFoundError."""
    record = services.catalog.record(key)
    if record is None:
        raise NotFoundError(f"{ResourceKey(AGENT, key.namespace, key.name)}: not found")
    return record


async def _providers(services: Services, key: AgentKey) -> list[dict[str, Any]]:
    resolution = services.catalog.resolved(key)
    agent = (resolution.agent or resolution.served) if resolution else None
    if agent is None:
        return []
    today = await services.store.requests_on(key, utc_day(services.now().timestamp()))
    return [
        {
            "name": provider.name,
            "type": provider.type,
            "host": ", ".join(provider.hosts),
            "requestsToday": today.get(provider.name, 0),
        }
        for provider in agent.providers
    ]


async def _observed(services: Services, key: AgentKey) -> Observed:
    try:
        return await services.engine.use().observe(key)
    except PaiError:
        return Observed()  # the status says already that the engine is out of reach


def _replicas(
    services: Services, key: AgentKey, record: Record, observed: Observed
) -> list[dict[str, Any]]:
    ready = services.ready_replicas(key)
    failures = services.failures(key, record.uid)
    return [
        {
            "replica": number,
            "ready": number in ready and _runs(containers),
            "restarts": max((failures.get(c.name, 0) for c in containers), default=0),
            "message": _ended(containers),
        }
        for number in sorted({item.replica for item in observed.containers})
        if (containers := list(observed.replica(number).values()))
    ]


def _runs(containers: list[ObservedContainer]) -> bool:
    return any(item.step == "agent" and item.running for item in containers)


def _ended(containers: list[ObservedContainer]) -> str:
    for item in sorted(containers, key=lambda container: STEPS.index(container.step)):
        if not item.running and item.started and item.exit_code:
            why = "over its memory limit" if item.oom_killed else f"code {item.exit_code}"
            return f"{item.step} ended: {why}"
    return ""


async def _last_log(services: Services, key: AgentKey, observed: Observed) -> list[str]:
    """Return the last lines of the first container that failed, else of the agent."""
    failed = [c for c in observed.containers if c.started and not c.running and c.exit_code]
    agents = [c for c in observed.containers if c.started and c.step == "agent"]
    speakers = sorted(failed, key=lambda c: (STEPS.index(c.step), c.replica)) or agents
    if not speakers:
        return []
    chosen = speakers[0]
    try:
        chunks = services.engine.use().logs(key, chosen.replica, chosen.step, tail=_LOG_LINES)
        return await last_lines(chunks, _LOG_LINES)
    except PaiError:
        return []  # it went away meanwhile; the next report tells
