"""`pai list`, `status`, `get`, `describe`: look, change nothing."""

import time
from typing import Annotated

import typer

from pai.cli import terminal
from pai.cli.client import PlatformClient
from pai.cli.completions import nouns, nouns_plural
from pai.cli.kinds import AGENT, Kind, kind_named
from pai.cli.output.describe import describe as format_description
from pai.cli.output.listing import listing
from pai.cli.output.resource import Resource
from pai.cli.output.serialise import Output, serialised
from pai.cli.output.status import status as format_status
from pai.cli.session import (
    AgentArgument,
    ContextOption,
    NamespaceOption,
    OutputOption,
    connect,
)
from pai.cli.waiting import changes
from pai.clock import utc_now

_CLEAR = "\x1b[H\x1b[2J"


def register(app: typer.Typer) -> None:
    """Add the verbs to `app`."""
    app.command("list")(list_agents)
    app.command()(status)
    app.command()(get)
    app.command()(describe)


def list_agents(
    output: OutputOption = Output.TABLE,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show every change.")] = False,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """List all agents."""
    with connect(context, namespace) as client:
        if watch:
            _watch(client, output)
        else:
            _show_list(AGENT, client, output)


def status(
    name: AgentArgument,
    output: OutputOption = Output.TABLE,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Show what one agent does and, when it fails, why and what to do."""
    with connect(context, namespace) as client:
        report = client.report(name)
    if output is Output.TABLE:
        terminal.show(format_status(report, utc_now(), terminal.paint()))
    else:
        terminal.show(serialised(report["object"] if output is Output.NAME else report, output))


def get(
    kind: Annotated[
        str,
        typer.Argument(help="agents, models, services or secrets.", autocompletion=nouns_plural),
    ],
    name: Annotated[str | None, typer.Argument(help="Only this one.")] = None,
    output: OutputOption = Output.TABLE,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """List the resources of one kind, or show one of them."""
    found = kind_named(kind)
    with connect(context, namespace) as client:
        if name is None:
            _show_list(found, client, output)
        else:
            _show_one(found, client.get(found.plural, name), output)


def describe(
    kind: Annotated[
        str, typer.Argument(help="agent, model, service or secret.", autocompletion=nouns)
    ],
    name: Annotated[str, typer.Argument(help="Name of the resource.")],
    output: OutputOption = Output.TABLE,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Show everything that is known of one resource."""
    found = kind_named(kind)
    with connect(context, namespace) as client:
        report = (
            client.report(name) if found == AGENT else {"object": client.get(found.plural, name)}
        )
    if output is Output.TABLE:
        terminal.show(format_description(found, report, utc_now(), terminal.paint()))
    else:
        terminal.show(serialised(report["object"], output))


def _show_list(kind: Kind, client: PlatformClient, output: Output) -> None:
    answer = client.list_all(kind.plural)
    if output is Output.TABLE:
        terminal.show(listing(kind, answer["items"], utc_now(), terminal.paint()))
    else:
        terminal.show(serialised(answer, output))


def _show_one(kind: Kind, resource: Resource, output: Output) -> None:
    if output is Output.TABLE:
        terminal.show(listing(kind, [resource], utc_now(), terminal.paint()))
    else:
        terminal.show(serialised(resource, output))


def _watch(client: PlatformClient, output: Output) -> None:
    """Redraw the table on a terminal; in a pipe write each state after the other."""
    colours = terminal.paint()
    clear = _CLEAR if colours.on else ""
    for agents in changes(client, AGENT.plural, time.monotonic() + float("inf")):
        found = list(agents.values())
        if output is Output.TABLE:
            terminal.show(clear + listing(AGENT, found, utc_now(), colours))
        else:
            terminal.show(serialised({"items": found}, output))
