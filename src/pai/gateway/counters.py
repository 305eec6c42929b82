"""Counters of one worker, and their text form (Prometheus exposition format)."""

from collections import Counter
from collections.abc import Mapping

_HELP = {
    "pai_gateway_requests_total": ("counter", "Requests answered, by status"),
    "pai_gateway_client_gone_total": ("counter", "Requests whose client hung up first"),
    "pai_gateway_active": ("gauge", "Requests under way"),
    "pai_gateway_waiting": ("gauge", "Requests that wait for budget"),
    "pai_gateway_ledger_failures": ("gauge", "Calls to the ledger that failed in a row"),
    "pai_gateway_seconds_total": ("counter", "Time from request to last byte, summed"),
}


class Counters:
    """Plain numbers; writing one is a dictionary operation."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.client_gone = 0
        self.active = 0
        self.seconds = 0.0

    def text(self, worker: str, waiting: int, ledger_failures: int) -> bytes:
        """Return all figures as text; worker: value of a label."""
        plain: Mapping[str, float] = {
            "pai_gateway_client_gone_total": self.client_gone,
            "pai_gateway_active": self.active,
            "pai_gateway_waiting": waiting,
            "pai_gateway_ledger_failures": ledger_failures,
            "pai_gateway_seconds_total": round(self.seconds, 6),
        }
        lines = []
        for name, (kind, meaning) in _HELP.items():
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            if name in plain:
                lines.append(f'{name}{{worker="{worker}"}} {plain[name]}')
            for status, count in sorted(self.statuses.items()) if name not in plain else ():
                lines.append(f'{name}{{worker="{worker}",status="{status}"}} {count}')
        return ("\n".join(lines) + "\n").encode()
