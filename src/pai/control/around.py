"""What a status tells that containers don't know: addresses and budgets. Pure."""

from collections.abc import Mapping

import msgspec

from pai.control.resolution import Resolution
from pai.errors import PaiError
from pai.ir.agent import Agent
from pai.ir.ledger import agent_subject, model_subject
from pai.ir.settings import Settings
from pai.ledger.balance import Balance
from pai.reconcile import AgentStatus, Condition, Surroundings
from pai.runtime.errors import EngineUnavailableError
from pai.store.record import Record

_USUAL_PORTS = {"http": 80, "https": 443}


def url_of(agent: Agent, settings: Settings) -> str:
    """Return the public URL of an agent."""
    port = settings.url_port or settings.edge_port
    shown = "" if _USUAL_PORTS.get(settings.url_scheme) == port else f":{port}"
    return f"{settings.url_scheme}://{agent.host_id}.{settings.domain}{shown}"


def previous_status(record: Record) -> AgentStatus | None:
    """Return the status last written, None when there is none or an older form of it."""
    if not record.status:
        return None
    try:
        return msgspec.convert(record.status, AgentStatus)
    except msgspec.ValidationError:
        return None


def spent_budget(agent: Agent, balances: Mapping[str, Balance]) -> str:
    """Say which limit of the day is reached, "" when none is."""
    limits = [(agent_subject(str(agent.key)), "the agent", agent.tokens.max_per_day)]
    limits += [
        (model_subject(f"{m.namespace}/{m.name}"), f"model {m.name!r}", m.limits.max_per_day)
        for m in agent.models
    ]
    texts = [
        f"{owner} has used its {limit} tokens of this UTC day"
        for subject, owner, limit in limits
        if limit is not None and subject in balances and balances[subject].used >= limit
    ]
    return "; ".join(texts)


def surroundings(
    record: Record,
    resolution: Resolution | None,
    settings: Settings,
    public_address: str,
    balances: Mapping[str, Balance],
) -> Surroundings:
    """Return the surroundings of one agent."""
    agent = (resolution.agent or resolution.served) if resolution else None
    return Surroundings(
        url=url_of(agent, settings) if agent else "",
        public_address=public_address,
        budget_spent=spent_budget(agent, balances) if agent else "",
        ignored_fields=resolution.ignored if resolution else (),
        previous=previous_status(record),
    )


def hindered(
    previous: AgentStatus | None, generation: int, error: PaiError, now: str
) -> AgentStatus:
    """Return the status while control can't look after an agent: what was known stays."""
    engine = isinstance(error, EngineUnavailableError)
    reason = "EngineUnavailable" if engine else "PlatformFault"
    start = "the container engine is out of reach" if engine else "can't look after the agent"
    message = f"{start}: {error.message}"
    before = previous or AgentStatus(observed_generation=generation)
    old = next((item for item in before.conditions if item.type == "Ready"), None)
    ready = Condition(
        type="Ready",
        status="Unknown",
        reason=reason,
        message=message,
        last_transition_time=old.last_transition_time if old and old.status == "Unknown" else now,
        observed_generation=generation,
    )
    others = [item for item in before.conditions if item.type != "Ready"]
    return msgspec.structs.replace(
        before,
        phase="Pending" if before.phase == "Creating" else before.phase,
        message=message,
        conditions=(ready, *others),
    )
