"""What the calls of the public API work with; filled by `pai.control.process`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pai.control.catalog import Catalog
from pai.control.engine_door import EngineDoor
from pai.control.http.watch import News
from pai.control.ledger_door import LedgerDoor
from pai.control.resources import Resources
from pai.ir.agent import AgentKey
from pai.ir.settings import Settings
from pai.store.protocol import Store


@dataclass(frozen=True)
class Services:
    """The parts behind the public API.

    instance: short id of this installation. ready_replicas, failures: what the worker knows of an
    agent, the latter by container name for its uid.
    """

    instance: str
    settings: Settings
    store: Store
    ledger: LedgerDoor
    catalog: Catalog
    engine: EngineDoor
    resources: Resources
    news: News
    accepts: Callable[[str], bool]
    ready_replicas: Callable[[AgentKey], frozenset[int]]
    failures: Callable[[AgentKey, str], Mapping[str, int]]
    now: Callable[[], datetime]
