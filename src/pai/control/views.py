"""What people see of agents: the stored document with the day's tokens of the ledger in it."""

from collections.abc import Mapping
from typing import Any

from pai.control.documents import AGENT, document_of
from pai.ir.ledger import agent_subject
from pai.ledger.balance import Balance
from pai.store.record import Record


def shown(record: Record, balances: Mapping[str, Balance]) -> dict[str, Any]:
    """Return a resource as the API shows it; an agent with the tokens of this UTC day."""
    document = document_of(record)
    if record.key.kind != AGENT:
        return document
    spent, reserved = tokens_of(record, balances)
    status = {**record.status, "tokensToday": spent, "tokensReserved": reserved}
    return {**document, "status": status}


def tokens_of(record: Record, balances: Mapping[str, Balance]) -> tuple[int, int]:
    """Return tokens used and reserved by an agent in this UTC day."""
    balance = balances.get(agent_subject(f"{record.key.namespace}/{record.key.name}"))
    return (balance.used, balance.reserved) if balance else (0, 0)
