"""Everything about one agent in one answer, for `pai status`."""

from typing import Any

from pai.budget.day import seconds_to_midnight, utc_day
from pai.control.documents import AGENT
from pai.control.http.services import Services
from pai.control.views import shown, tokens_of
from pai.errors import NotFoundError
from pai.ir.agent import AgentKey
from pai.ir.ledger import agent_subject
from pai.store.record import Record, ResourceKey


async def report(services: Services, key: AgentKey) -> dict[str, Any]:
    """Return object, usage, providers, replicas, events and last log lines of an agent.

    Without an engine replicas and log are empty. Raises NotFoundError.
    """
    record = agent_record(services, key)
    balances = await services.ledger.balances()
    used, reserved = tokens_of(record, balances)
    usage = {
        "used": used,
        "reserved": reserved,
        "limit": services.catalog.limits.of(agent_subject(str(key))),
        "resetsInSeconds": seconds_to_midnight(services.now().timestamp()),
    }
    return {
        "object": shown(record, balances),
        "usage": usage,
        "providers": await _providers(services, key),
        "replicas": await services.views.replicas(key, record),
        "events": await services.store.events(key),
        "lastLog": await services.views.last_log(key),
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
