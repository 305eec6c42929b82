"""What the calls of the public API work with; filled by control's assembly."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pai.control.catalog import Catalog
from pai.control.http.watch import News
from pai.control.ledger_door import LedgerDoor
from pai.control.resources import Resources
from pai.control.side import AgentViews
from pai.ir.settings import Settings
from pai.store.protocol import Store


@dataclass(frozen=True)
class Services:
    """The parts behind the public API.

    instance: short id of this installation. views: of agents' replicas, in the engine.
    """

    instance: str
    settings: Settings
    store: Store
    ledger: LedgerDoor
    catalog: Catalog
    views: AgentViews
    resources: Resources
    news: News
    now: Callable[[], datetime]
