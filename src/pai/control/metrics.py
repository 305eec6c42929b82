"""What control tells scrapers: how its own work goes, and what is left of the day's budgets.

Budgets name agents, so they are for who has the metrics token. They come from the ledger, which
alone knows them: gateways hold leases on parts of them.
"""

import hmac
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from pai.control.catalog import Catalog
from pai.control.documents import AGENT, MODEL
from pai.control.ledger_door import LedgerDoor
from pai.ir.ledger import agent_subject, model_subject
from pai.ledger.balance import Balance

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_BUDGETS = {
    "used": "Tokens used this UTC day, and those lost with a worker",
    "reserved": "Tokens held for running requests",
    "limit": "Tokens of the UTC day; none without a limit",
    "remaining": "Tokens of the limit that are neither used nor reserved",
}


class Metrics:
    """Figures of one control process. registry: holds them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconcile_seconds = Histogram(
            "pai_reconcile_seconds",
            "Time of one look at an agent",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.reconcile_errors = Counter(
            "pai_reconcile_errors", "Looks that failed", registry=self.registry
        )
        self.queue = Gauge(
            "pai_reconcile_queue",
            "Agents whose time to be looked at has come",
            registry=self.registry,
        )

    def looked(self, seconds: float, failed: bool, waiting: int) -> None:
        """Note one look at an agent."""
        self.reconcile_seconds.observe(seconds)
        self.reconcile_errors.inc(failed)
        self.queue.set(waiting)


class Scraping:
    """Answers scrapers. is_open: who shows no token is told of control's own work."""

    def __init__(self, metrics: Metrics, *, is_open: bool) -> None:
        self._metrics = metrics
        self._is_open = is_open
        self._token = b""
        self._known: tuple[Catalog, LedgerDoor] | None = None

    def tell_budgets(self, catalog: Catalog, ledger: LedgerDoor, token: str) -> None:
        """Tell who has this token of budgets, from now on."""
        self._token = token.encode()
        self._known = (catalog, ledger)

    def admits(self, token: str) -> bool:
        """Say whether this is the metrics token."""
        return bool(self._token) and hmac.compare_digest(token.encode(), self._token)

    async def answer(self, request: Request) -> Response:
        """Answer one request. Raises TransientError when the ledger is out of reach."""
        given = request.headers.get("authorization")
        if given is None and self._is_open:
            return _text(generate_latest(self._metrics.registry))
        scheme, _, token = (given or "").partition(" ")
        if scheme.lower() != "bearer" or not self.admits(token.strip()) or self._known is None:
            return Response(status_code=401, headers={"www-authenticate": "Bearer"})
        catalog, ledger = self._known
        budgets = CollectorRegistry()
        budgets.register(Budgets(catalog, await ledger.balances()))
        return _text(generate_latest(self._metrics.registry) + generate_latest(budgets))


class Budgets(Collector):
    """The day's budgets of every agent and model binding there is."""

    def __init__(self, catalog: Catalog, balances: dict[str, Balance]) -> None:
        self._catalog = catalog
        self._balances = balances

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return one family a figure; a label that does not apply is empty, which is none."""
        families = {
            what: GaugeMetricFamily(
                f"pai_budget_{what}_tokens", meaning, labels=["pai_agent", "pai_binding"]
            )
            for what, meaning in _BUDGETS.items()
        }
        for subject, labels in self._subjects():
            balance = self._balances.get(subject) or Balance(subject=subject, day="")
            families["used"].add_metric(labels, balance.used)
            families["reserved"].add_metric(labels, balance.reserved)
            limit = self._catalog.limits.of(subject)
            if limit is not None:
                families["limit"].add_metric(labels, limit)
                families["remaining"].add_metric(labels, max(0, limit - balance.charged))
        return families.values()

    def _subjects(self) -> Iterator[tuple[str, list[str]]]:
        for key in sorted(self._catalog.records):
            name = f"{key.namespace}/{key.name}"
            if key.kind == AGENT:
                yield agent_subject(name), [name, ""]
            elif key.kind == MODEL:
                yield model_subject(name), ["", name]


def _text(body: bytes) -> Response:
    return Response(body, headers={"content-type": CONTENT_TYPE})
