"""Tables of resources: `pai list` and `pai get`."""

from collections.abc import Callable, Sequence
from datetime import datetime

from pai.cli.kinds import AGENT, MODEL, SECRET, SERVICE, Kind
from pai.cli.output.paint import Paint
from pai.cli.output.phase import painted_phase
from pai.cli.output.plain import age, count, table
from pai.cli.output.resource import (
    Resource,
    desired_replicas,
    dig,
    items,
    name_of,
    number,
    text,
    tokens,
)

Row = Callable[[Resource, datetime, Paint], list[str]]


def listing(kind: Kind, resources: Sequence[Resource], now: datetime, paint: Paint) -> str:
    """Return the table of `resources`, sorted by name; a sentence when there are none."""
    if not resources:
        return f"no {kind.noun}s\n"
    headers, row = _TABLES[kind]
    rows = [row(resource, now, paint) for resource in sorted(resources, key=name_of)]
    return table([paint.bold(header) for header in headers], rows)


def _agent(agent: Resource, now: datetime, paint: Paint) -> list[str]:
    use = tokens(agent)
    limit = f" / {count(use.limit)}" if use.limit is not None else ""
    return [
        name_of(agent),
        painted_phase(agent, paint),
        f"{number(agent, 'status', 'readyReplicas')}/{desired_replicas(agent)}",
        count(use.used) + limit,
        _created(agent, now),
        paint.link(text(agent, "status", "url")),
    ]


def _model(model: Resource, now: datetime, _: Paint) -> list[str]:
    budget = dig(model, "spec", "maxTokensPerDay")
    return [
        name_of(model),
        text(model, "spec", "provider"),
        text(model, "spec", "model"),
        count(budget),
        text(model, "spec", "apiKeySecretRef", "name") or "-",
        _created(model, now),
    ]


def _service(service: Resource, now: datetime, _: Paint) -> list[str]:
    return [
        name_of(service),
        text(service, "spec", "type"),
        text(service, "spec", "host") or "-",
        text(service, "spec", "auth", "secretRef") or "-",
        _created(service, now),
    ]


def _secret(secret: Resource, now: datetime, _: Paint) -> list[str]:
    keys = ", ".join(text(key, "name") for key in items(secret, "keys"))
    return [name_of(secret), keys or "-", _created(secret, now)]


def _created(resource: Resource, now: datetime) -> str:
    return age(dig(resource, "metadata", "creationTimestamp"), now)


_TABLES: dict[Kind, tuple[tuple[str, ...], Row]] = {
    AGENT: (("NAME", "PHASE", "READY", "TOKENS TODAY", "AGE", "URL"), _agent),
    MODEL: (("NAME", "PROVIDER", "MODEL", "TOKENS/DAY", "SECRET", "AGE"), _model),
    SERVICE: (("NAME", "TYPE", "HOST", "SECRET", "AGE"), _service),
    SECRET: (("NAME", "KEYS", "AGE"), _secret),
}
