"""`pai logs`, `exec`, `restart`, `pause`, `resume`: work with a running agent."""

from typing import Annotated

import typer

from pai.cli import terminal
from pai.cli.output.serialise import qualified
from pai.cli.session import (
    AgentArgument,
    ContextOption,
    NamespaceOption,
    TimeoutOption,
    WaitOption,
    connect,
    load_contexts,
)
from pai.cli.waiting import wait_until_ready, wait_until_restarted

ReplicaOption = Annotated[int, typer.Option("--replica", min=0, help="Number of the replica.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to `app`."""
    app.command()(logs)
    app.command("exec")(execute)
    app.command()(restart)
    app.command()(pause)
    app.command()(resume)


def logs(
    name: AgentArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", min=0, help="Only this many last lines.")
    ] = None,
    replica: ReplicaOption = 0,
    container: Annotated[
        str, typer.Option("--container", help="agent, sidecar, seed or prepare.")
    ] = "agent",
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Show what an agent wrote."""
    params = {"container": container, "replica": str(replica)}
    if follow:
        params["follow"] = "true"
    if tail is not None:
        params["tail"] = str(tail)
    with connect(context, namespace) as client:
        terminal.stream_out(client.logs(name, params))


def execute(
    name: AgentArgument,
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="Command and its arguments.")
    ],
    stdin: Annotated[bool, typer.Option("--stdin", "-i", help="Pass standard input on.")] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give it a terminal.")] = False,
    replica: ReplicaOption = 0,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Run a command in the agent's container; its exit code becomes ours.

    What follows `--` is the command, as it is.
    """
    from pai.cli.execution import run_remote  # websockets is slow to load

    _, chosen = load_contexts().pick(context)
    code = run_remote(chosen, namespace, name, command, replica=replica, stdin=stdin, tty=tty)
    raise typer.Exit(code)


def restart(
    name: AgentArgument,
    wait: WaitOption = False,
    timeout: TimeoutOption = 120.0,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Start an agent's containers anew; volumes stay."""
    _act("restart", "restarted", name, timeout if wait else None, (context, namespace))


def pause(
    name: AgentArgument,
    wait: WaitOption = False,
    timeout: TimeoutOption = 120.0,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Stop an agent and keep its state."""
    _act("pause", "paused", name, timeout if wait else None, (context, namespace))


def resume(
    name: AgentArgument,
    wait: WaitOption = False,
    timeout: TimeoutOption = 120.0,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Start a paused agent again."""
    _act("resume", "resumed", name, timeout if wait else None, (context, namespace))


def _act(
    action: str, done: str, name: str, wait: float | None, target: tuple[str | None, str | None]
) -> None:
    """Do one thing to one agent; wait: seconds to wait for its effect, None = not at all."""
    with connect(*target) as client:
        agent = client.act(name, action)
        terminal.show(f"{qualified(agent)} {done}\n")
        if wait is not None and action == "restart":
            wait_until_restarted(client, agent, wait)
        elif wait is not None:
            wait_until_ready(client, [name], wait)
