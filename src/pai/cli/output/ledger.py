"""`pai usage` and `pai audit`: what was spent, and what was asked of whom."""

from collections.abc import Sequence

from pai.cli.output.paint import Paint
from pai.cli.output.plain import count, table
from pai.cli.output.resource import Resource, dig, number, text

_TOKENS = ("requests", "input", "cached", "output", "reasoning", "reserved")
_DECISIONS = {"allowed": Paint.good, "denied": Paint.bad, "audited": Paint.warn}


def usage(found: Sequence[Resource], paint: Paint) -> str:
    """Return the usage table with a line of sums under it."""
    if not found:
        return "nothing was used\n"
    headers = ("AGENT", "MODEL", "DAY", *(name.upper() for name in _TOKENS), "COST (USD)")
    rows = [_usage_row(item) for item in found]
    sums = [count(sum(number(item, name) for item in found)) for name in _TOKENS]
    total = ["", "", paint.bold("total"), *sums, _cost(sum(_cost_of(item) for item in found))]
    return table([paint.bold(header) for header in headers], [*rows, total])


def audit(found: Sequence[Resource], paint: Paint) -> str:
    """Return one line a decision, in the order given."""
    if not found:
        return "no records\n"
    headers = ("TIME", "AGENT", "DECISION", "SERVICE", "ACTION", "REQUEST", "STATUS", "REASON")
    rows = [_audit_row(item, paint) for item in found]
    return table([paint.bold(header) for header in headers], rows)


def _usage_row(item: Resource) -> list[str]:
    names = [text(item, name) or "-" for name in ("agent", "model", "day")]
    return [*names, *(count(number(item, name)) for name in _TOKENS), _cost(_cost_of(item))]


def _cost_of(item: Resource) -> float:
    found = dig(item, "cost")
    return float(found) if isinstance(found, int | float) else 0.0


def _cost(amount: float) -> str:
    return f"{amount:.4f}"


def _audit_row(item: Resource, paint: Paint) -> list[str]:
    decision = text(item, "decision")
    request = f"{text(item, 'method')} {text(item, 'host')}{text(item, 'path')}".strip()
    status = number(item, "status")
    return [
        text(item, "at"),
        text(item, "agent"),
        _DECISIONS.get(decision, Paint.warn)(paint, decision),
        text(item, "provider") or "-",
        text(item, "action") or "-",
        request or "-",
        str(status) if status else "-",
        text(item, "rule") or text(item, "reason"),
    ]
