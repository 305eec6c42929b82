"""`pai up`, `down`, `doctor`, `version`: the platform on this machine."""

from contextlib import closing
from typing import Annotated, Any

import typer

from pai import __version__
from pai.cli import locations, terminal
from pai.cli.failures import UsageError
from pai.cli.output.doctor import report as format_checks
from pai.cli.output.serialise import Output, as_json, as_yaml
from pai.cli.session import ContextOption, OutputOption, client_for, load_contexts
from pai.errors import PaiError


def register(app: typer.Typer) -> None:
    """Add the verbs to `app`."""
    app.command()(up)
    app.command()(down)
    app.command()(doctor)
    app.command()(version)


def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready, and leave it running.")
    ] = False,
    public: Annotated[
        bool | None,
        typer.Option("--public/--no-public", help="Let other machines reach agents' URLs."),
    ] = None,
    api_port: Annotated[
        int | None, typer.Option("--api-port", min=1, max=65535, help="Port of the API (8080).")
    ] = None,
    gateway_port: Annotated[
        int | None,
        typer.Option("--gateway-port", min=1, max=65535, help="Port of the gateway (8000)."),
    ] = None,
    edge_port: Annotated[
        int | None,
        typer.Option("--edge-port", min=1, max=65535, help="Port of agents' URLs (8090)."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option("--engine", help="auto, docker, podman or unix:///path/to/socket."),
    ] = None,
) -> None:
    """Start the platform on this machine. Options are kept in settings.toml for the next time.

    Without -d it shows what its processes write, until Ctrl-C stops them all. When it runs
    already, it says where, changes nothing and ends with 0; with 1 when options differ from
    those it runs with. Afterwards the context `local` is the one in use.
    """
    from pai.cli import startup

    given: dict[str, bool | int | str | None] = {
        "public": public,
        "apiPort": api_port,
        "gatewayPort": gateway_port,
        "edgePort": edge_port,
        "engine": engine,
    }
    flags = {key: value for key, value in given.items() if value is not None}
    startup.up(locations.data_dir(), flags, detach=detach)


def down(
    keep_agents: Annotated[
        bool, typer.Option("--keep-agents", help="Leave the agents' containers running.")
    ] = False,
) -> None:
    """Stop the platform and its agents' containers. Resources, volumes and budgets stay.

    The containers are removed; `pai up` makes them anew. Agents that are kept can't call models or
    be reached until then.
    """
    from pai.cli import shutdown

    shutdown.down(locations.data_dir(), keep_agents=keep_agents)


def doctor(context: ContextOption = None, output: OutputOption = Output.TABLE) -> None:
    """Look at everything the platform needs, and say what to do.

    On this machine, or on the cluster of a context that `pai install kubernetes` or
    `pai login --kubernetes` made.
    """
    from pai.cli.doctor import examine

    if output is Output.NAME:
        raise UsageError("checks have no names", hint="-o table, json or yaml")
    known = load_contexts()
    chosen = known.pick(context)[1] if context or known.current else None
    if chosen is not None and chosen.kube_context is not None:
        from pai.cli.doctor.cluster_examination import examine_cluster  # slow to load

        checks = examine_cluster(chosen)
    else:
        checks = examine(locations.data_dir())
    data = [vars(check) for check in checks]
    shapes = {Output.JSON: as_json, Output.YAML: as_yaml}
    if output is Output.TABLE:
        terminal.show(format_checks(checks, terminal.paint()))
    else:
        terminal.show(shapes[output](data))
    if any(check.level == "FAIL" for check in checks):
        raise typer.Exit(1)


def version(
    context: ContextOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show the versions of this command and of the platform in use."""
    platform = _platform(context)
    if output in (Output.TABLE, Output.NAME):
        told = platform.get("version", "not reached")
        terminal.show(f"pai       {__version__}\nplatform  {told}\n")
    else:
        names = {"platform": "version", "instance": "instance"}
        found = {"client": __version__} | {name: platform.get(at) for name, at in names.items()}
        terminal.show(as_json(found) if output is Output.JSON else as_yaml(found))


def _platform(context: str | None) -> dict[str, Any]:
    """Return what the platform says of itself, {} when none answers.

    Raises CommandError for a wrong --context.
    """
    known = load_contexts()
    if context is None and known.current is None:
        return {}
    chosen = known.pick(context)[1]
    try:
        with closing(client_for(chosen)) as client:
            return client.version()
    except PaiError:
        return {}
