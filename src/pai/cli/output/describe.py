"""`pai describe`: everything about one resource."""

from datetime import datetime

from pai.cli.kinds import AGENT, SECRET, Kind
from pai.cli.output.paint import Paint
from pai.cli.output.plain import age, pairs, printable, table
from pai.cli.output.resource import Resource, conditions, dig, items, name_of, text
from pai.cli.output.serialise import as_yaml
from pai.cli.output.status import event_rows, status

_HIDDEN_ANNOTATIONS = ("pai.io/personal-env",)


def describe(kind: Kind, report: Resource, now: datetime, paint: Paint) -> str:
    """Return all that is known of one resource.

    report: the API's report for an agent, `{"object": …}` for any other kind.
    """
    resource: Resource = report.get("object") or {}
    if kind == SECRET:
        return _secret(resource, now)
    parts = [_metadata(resource, now), _block("Spec", resource.get("spec"))]
    if kind == AGENT:
        parts += [_agent_conditions(resource), _all_events(report, now, paint)]
        parts.insert(0, status({**report, "events": []}, now, paint))
    return "\n".join(part for part in parts if part)


def _metadata(resource: Resource, now: datetime) -> str:
    created = text(resource, "metadata", "creationTimestamp")
    annotations = dig(resource, "metadata", "annotations") or {}
    shown = {k: v for k, v in annotations.items() if k not in _HIDDEN_ANNOTATIONS}
    rows = [
        ("Name", name_of(resource)),
        ("Namespace", text(resource, "metadata", "namespace")),
        ("Kind", text(resource, "kind")),
        ("UID", text(resource, "metadata", "uid")),
        ("Generation", text(resource, "metadata", "generation")),
        ("Version", text(resource, "metadata", "resourceVersion")),
        ("Created", f"{created} ({age(created, now)} ago)" if created else ""),
        ("Labels", _inline(dig(resource, "metadata", "labels") or {})),
        ("Annotations", _inline(shown)),
    ]
    return pairs([(label, value) for label, value in rows if value])


def _secret(secret: Resource, now: datetime) -> str:
    rows = [[text(key, "name"), age(dig(key, "updatedAt"), now)] for key in items(secret, "keys")]
    return _metadata(secret, now) + "\n" + table(("KEY", "AGE"), rows)


def _agent_conditions(agent: Resource) -> str:
    rows = [[c.type, c.status, c.reason, " ".join(c.message.split())] for c in conditions(agent)]
    if not rows:
        return ""
    return "All conditions:\n" + table(("TYPE", "STATUS", "REASON", "MESSAGE"), rows, indent="  ")


def _all_events(report: Resource, now: datetime, paint: Paint) -> str:
    rows = event_rows(list(items(report, "events")), now, paint)
    if not rows:
        return ""
    return "Events:\n" + table(("AGE", "TYPE", "REASON", "MESSAGE"), rows, indent="  ")


def _block(title: str, value: object) -> str:
    if not value:
        return ""
    lines = printable(as_yaml(value)).splitlines()
    return f"{title}:\n" + "".join(f"  {line}\n" for line in lines)


def _inline(mapping: Resource) -> str:
    return ", ".join(f"{printable(str(k))}={printable(str(v))}" for k, v in sorted(mapping.items()))
