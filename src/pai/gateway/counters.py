"""Counters of one worker's requests, whatever was asked."""

from collections.abc import Iterator

from pai.gateway.exposition import Families, Piece, exposed, labels, sample

_REQUESTS = "pai_gateway_requests_total"
FAMILIES: Families = {
    _REQUESTS: ("counter", "Requests answered, by status"),
    "pai_gateway_client_gone_total": ("counter", "Requests whose client hung up first"),
    "pai_gateway_active": ("gauge", "Requests under way"),
    "pai_gateway_waiting": ("gauge", "Requests that wait for budget"),
    "pai_gateway_ledger_failures": ("gauge", "Calls to the ledger that failed in a row"),
    "pai_gateway_seconds_total": ("counter", "Time from request to last byte, summed"),
}


class Counters:
    """Plain numbers; writing one is a dictionary operation."""

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.client_gone = 0
        self.active = 0
        self.seconds = 0.0

    def answered(self, status: int) -> None:
        """Count an answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def pieces(self, worker: str, waiting: int, ledger_failures: int) -> Iterator[Piece]:
        """Yield all figures; worker: value of a label."""
        own = labels(worker=worker)
        for status, count in sorted(self.statuses.items()):
            yield sample(_REQUESTS, f'{own},status="{status}"', count)
        yield sample("pai_gateway_client_gone_total", own, self.client_gone)
        yield sample("pai_gateway_active", own, self.active)
        yield sample("pai_gateway_waiting", own, waiting)
        yield sample("pai_gateway_ledger_failures", own, ledger_failures)
        yield sample("pai_gateway_seconds_total", own, round(self.seconds, 6))

    def text(self, worker: str, waiting: int, ledger_failures: int) -> bytes:
        """Return all figures as text."""
        pieces = self.pieces(worker, waiting, ledger_failures)
        return exposed(FAMILIES, [{name: lines.encode()} for name, lines in pieces])
