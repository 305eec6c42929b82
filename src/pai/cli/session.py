"""What every verb starts with: the chosen context, its client, and the contexts file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pai.cli import contexts, locations, terminal
from pai.cli.client import PlatformClient, http_client
from pai.cli.completions import agent_names, context_names
from pai.cli.contexts import Context, Contexts
from pai.cli.output.serialise import Output

ContextOption = Annotated[
    str | None,
    typer.Option(
        "--context",
        help="Platform to talk to; see `pai context list`.",
        autocompletion=context_names,
    ),
]
NamespaceOption = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace; the context's own if not given.")
]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="Shape of the answer.", case_sensitive=False)
]
AgentArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the agent.", autocompletion=agent_names)
]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Return when it has taken effect, or say why it can't.")
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", min=0.1, help="Seconds that --wait waits at most.")
]


def config_path() -> Path:
    """Return where the contexts are kept."""
    return locations.home() / "config.json"


def load_contexts() -> Contexts:
    """Return all contexts; a repaired file is mentioned on standard error."""
    found, warning = contexts.load(config_path())
    if warning:
        terminal.warn(warning)
    return found


def save_contexts(changed: Contexts) -> None:
    """Keep `changed` as the contexts."""
    contexts.save(config_path(), changed)


@contextmanager
def connect(context: str | None = None, namespace: str | None = None) -> Iterator[PlatformClient]:
    """Give a client for the chosen context and namespace, closed at the end."""
    _, chosen = load_contexts().pick(context)
    client = client_for(chosen, namespace)
    try:
        yield client
    finally:
        client.close()


def client_for(context: Context, namespace: str | None = None) -> PlatformClient:
    """Return a client for `context`; its local socket is used where it exists."""
    if context.kube_context is not None:
        from pai.cli.cluster.platform import platform_client  # machines without a cluster

        return platform_client(context, namespace)
    socket = context.socket if context.socket and Path(context.socket).exists() else None
    http = http_client(context.server, context.token, socket)
    return PlatformClient(http, namespace or context.namespace)


def update_context(name: str | None, change: Callable[[Context], Context]) -> str:
    """Change one context (the one in use for None) and return its name."""
    found = load_contexts()
    name, context = found.pick(name)
    save_contexts(found.with_context(name, change(context), use=False))
    return name
