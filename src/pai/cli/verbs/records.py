"""`pai usage` and `pai audit`: what was spent and what was asked of outside services."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from pai.cli import terminal
from pai.cli.completions import agent_names
from pai.cli.failures import UsageError
from pai.cli.output import ledger
from pai.cli.output.plain import printable
from pai.cli.output.serialise import Output, as_json, as_yaml
from pai.cli.session import ContextOption, NamespaceOption, OutputOption, connect
from pai.clock import utc_now

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAYS = re.compile(r"(\d{1,4})d")

AgentFilter = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="Only this agent.", autocompletion=agent_names),
]


class By(StrEnum):
    """What a line of the usage table stands for."""

    AGENT = "agent"
    MODEL = "model"
    DAY = "day"


class UsageOutput(StrEnum):
    """Shapes that usage can be shown in."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the verbs to `app`."""
    app.command()(usage)
    app.command()(audit)


def usage(
    agent: AgentFilter = None,
    since: Annotated[
        str, typer.Option("--since", help="First day: 2026-01-31, or 7d for seven days back.")
    ] = "0d",
    by: Annotated[By | None, typer.Option("--by", help="Sum up by this.")] = None,
    output: Annotated[
        UsageOutput, typer.Option("--output", "-o", help="Shape of the answer.")
    ] = UsageOutput.TABLE,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Show tokens, cost and mean times per agent, model and day (UTC)."""
    params = {"since": _first_day(since)}
    if agent:
        params["agent"] = agent
    if by:
        params["by"] = by.value
    with connect(context, namespace) as client:
        if output is UsageOutput.CSV:
            terminal.show(printable(client.usage_csv(params)))
            return
        found = client.items("usage", params)
    _show(found, Output(output.value), ledger.usage(found, terminal.paint()))


def audit(
    agent: AgentFilter = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Newest records to show.")] = 50,
    output: OutputOption = Output.TABLE,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Show which requests to outside services were allowed or denied, and why."""
    params = {"limit": str(limit)}
    if agent:
        params["agent"] = agent
    with connect(context, namespace) as client:
        found = client.items("audit", params)
    _show(found, output, ledger.audit(found, terminal.paint()))


def _show(found: list[dict[str, object]], output: Output, table: str) -> None:
    """Show records; as data they are a plain list."""
    if output is Output.NAME:
        raise UsageError("these records have no names", hint="-o table, json or yaml")
    shapes = {Output.JSON: as_json, Output.YAML: as_yaml}
    terminal.show(table if output is Output.TABLE else shapes[output](found))


def _first_day(since: str) -> str:
    """Return the UTC day that `since` means; raises UsageError when it is neither shape."""
    back = _DAYS.fullmatch(since)
    if back:
        return (utc_now() - timedelta(days=int(back[1]))).date().isoformat()
    if not _DATE.fullmatch(since):
        raise UsageError(f"--since: not a day: {since!r}", hint="for example 2026-01-31, or 7d")
    return since
