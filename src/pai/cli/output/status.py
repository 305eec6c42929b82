"""`pai status`: what one agent does, and when it fails why and what to do."""

from datetime import datetime

from pai.cli.output.advice import advice
from pai.cli.output.paint import Paint
from pai.cli.output.phase import painted_phase, remarkable
from pai.cli.output.plain import age, bar, count, pairs, plural, span, table
from pai.cli.output.resource import (
    Resource,
    Tokens,
    desired_replicas,
    dig,
    items,
    name_of,
    number,
    text,
    tokens,
)

_LAST_EVENTS = 5
_LAST_LINES = 10


def status(report: Resource, now: datetime, paint: Paint) -> str:
    """Return the whole picture of one agent. report: the API's answer to `…/report`."""
    agent: Resource = report.get("object") or {}
    parts = [
        _summary(agent, report, paint),
        _providers(report),
        _replicas(report, paint),
        _conditions(agent, paint),
        _events(report, now, paint),
        _last_log(agent, report, paint),
        _advice(agent, paint),
    ]
    return "\n".join(part for part in parts if part)


def token_line(use: Tokens, paint: Paint) -> str:
    """Return the drawn bar and the figures of the day."""
    figures = f"{count(use.used)} used, {count(use.reserved)} reserved"
    if use.limit is None:
        return f"{figures} (today, UTC)"
    share = (use.used + use.reserved) / use.limit if use.limit else 1.0
    colour = paint.bad if share >= 1 else paint.warn if share >= 0.8 else paint.good
    ends = use.resets_in_seconds
    resets = "" if ends is None else f", resets in {span(ends)}"
    drawn = colour(bar(use.used, use.reserved, use.limit))
    return f"{drawn} {figures}, limit {count(use.limit)}{resets}"


def provider_lines(report: Resource) -> list[str]:
    """Return one line a provider: `name (type / host) — 5 requests today`."""
    return [
        f"{text(item, 'name')} ({text(item, 'type')} / {text(item, 'host')})"
        f" — {plural(number(item, 'requestsToday'), 'request')} today"
        for item in items(report, "providers")
    ]


def event_rows(events: list[Resource], now: datetime, paint: Paint) -> list[list[str]]:
    """Return a table's rows for events, in the order given."""
    rows = []
    for event in events:
        times = number(event, "count")
        kind = text(event, "type")
        rows.append(
            [
                age(dig(event, "at"), now),
                paint.warn(kind) if kind == "Warning" else kind,
                text(event, "reason"),
                _flat(text(event, "message")) + (f" (x{times})" if times > 1 else ""),
            ]
        )
    return rows


def _summary(agent: Resource, report: Resource, paint: Paint) -> str:
    ready = number(agent, "status", "readyReplicas")
    models = ", ".join(str(model) for model in items(agent, "spec", "modelBindings"))
    rows = [
        ("Agent", paint.bold(name_of(agent))),
        ("Phase", painted_phase(agent, paint)),
        ("Message", _flat(text(agent, "status", "message"))),
        ("URL", paint.link(text(agent, "status", "url"))),
        ("Public", text(agent, "status", "publicAddress")),
        ("Image", text(agent, "spec", "image")),
        ("Replicas", f"{ready} of {desired_replicas(agent)} ready"),
        ("Tokens", token_line(tokens(agent, report.get("usage")), paint)),
        ("Models", models or "none"),
    ]
    return pairs([(label, value) for label, value in rows if value])


def _providers(report: Resource) -> str:
    lines = provider_lines(report)
    return "Providers:\n" + "".join(f"  {line}\n" for line in lines) if lines else ""


def _replicas(report: Resource, paint: Paint) -> str:
    """Show the replicas one by one only where that tells more than the count does."""
    found = items(report, "replicas")
    if len(found) < 2 and not any(number(item, "restarts") for item in found):
        return ""
    rows = [
        [
            text(item, "replica"),
            paint.good("ready") if dig(item, "ready") else paint.warn("not ready"),
            count(number(item, "restarts")),
            _flat(text(item, "message")),
        ]
        for item in found
    ]
    return "Replicas:\n" + table(("#", "STATE", "RESTARTS", "LAST"), rows, indent="  ")


def _conditions(agent: Resource, paint: Paint) -> str:
    found = remarkable(agent)
    if not found:
        return ""
    rows = [[paint.warn(c.type), c.status, c.reason, _flat(c.message)] for c in found]
    return "Conditions:\n" + table(("TYPE", "STATUS", "REASON", "MESSAGE"), rows, indent="  ")


def _events(report: Resource, now: datetime, paint: Paint) -> str:
    last = list(items(report, "events"))[-_LAST_EVENTS:]
    if not last:
        return ""
    rows = event_rows(last, now, paint)
    return "Events:\n" + table(("AGE", "TYPE", "REASON", "MESSAGE"), rows, indent="  ")


def _last_log(agent: Resource, report: Resource, paint: Paint) -> str:
    if text(agent, "status", "phase") not in ("Failed", "Pending", "Creating"):
        return ""
    lines = [text({"line": line}, "line") for line in items(report, "lastLog")][-_LAST_LINES:]
    if not lines:
        return ""
    return "Last log lines:\n" + "".join(f"  {paint.dim(line.rstrip())}\n" for line in lines)


def _advice(agent: Resource, paint: Paint) -> str:
    found = advice(agent)
    if not found:
        return ""
    return paint.bold("What to do:") + "\n" + "".join(f"  {sentence}\n" for sentence in found)


def _flat(message: str) -> str:
    return " ".join(message.split())
