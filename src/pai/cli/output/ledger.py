"""`pai usage` and `pai audit`: what was spent, and what was asked of whom."""

from collections.abc import Iterable, Sequence

from pai.cli.output.paint import Paint
from pai.cli.output.plain import count, table
from pai.cli.output.resource import Resource, dig, number, text

_NAMES = ("agent", "model", "day")
_TOKENS = ("requests", "input", "cached", "output", "reasoning", "reserved")
_UNPRICED = "+ and -: no price is known for a model, see spec.prices of its ModelBinding"
_DECISIONS = {"allowed": Paint.good, "denied": Paint.bad, "audited": Paint.warn}


def usage(found: Sequence[Resource], paint: Paint) -> str:
    """Return the usage table with a line of sums under it; names that no line has are left out."""
    if not found:
        return "nothing was used\n"
    names = [name for name in _NAMES if any(text(item, name) for item in found)]
    headers = (*names, *_TOKENS, "cost (usd)", "first byte", "duration")
    rows = [[*(text(item, name) or "-" for name in names), *_figures([item])] for item in found]
    total = ["" for _ in names[1:]] + [paint.bold("total"), *_figures(found)]
    drawn = table([paint.bold(header.upper()) for header in headers], [*rows, total])
    return drawn + ("" if all(map(_is_priced, found)) else paint.dim(_UNPRICED) + "\n")


def audit(found: Sequence[Resource], paint: Paint) -> str:
    """Return one line a decision, in the order given."""
    if not found:
        return "no records\n"
    headers = ("TIME", "AGENT", "DECISION", "SERVICE", "ACTION", "REQUEST", "STATUS", "REASON")
    rows = [_audit_row(item, paint) for item in found]
    return table([paint.bold(header) for header in headers], rows)


def _figures(found: Sequence[Resource]) -> list[str]:
    """Return sums of tokens and cost, and mean times of a request."""
    requests = _sum(found, "requests")
    times = (_mean(_sum(found, name), requests) for name in ("firstByteMs", "durationMs"))
    return [*(count(_sum(found, name)) for name in _TOKENS), _cost(found), *times]


def _sum(found: Iterable[Resource], name: str) -> int:
    return sum(number(item, name) for item in found)


def _cost(found: Sequence[Resource]) -> str:
    """Return a cost: `-` when no price is known, with a `+` when one is missing in a sum."""
    amounts = [dig(item, "cost") for item in found]
    amount = sum(float(each) for each in amounts if isinstance(each, int | float))
    if all(map(_is_priced, found)):
        return f"{amount:.4f}"
    return f"{amount:.4f}+" if amount else "-"


def _is_priced(item: Resource) -> bool:
    return dig(item, "priced") is not False


def _mean(milliseconds: int, requests: int) -> str:
    return f"{milliseconds / requests / 1000:.2f}s" if requests and milliseconds else "-"


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
