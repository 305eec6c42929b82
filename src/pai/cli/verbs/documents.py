"""`pai create`, `apply`, `delete`: write resources."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

from pai.cli import terminal
from pai.cli.client import Json, PlatformClient
from pai.cli.completions import nouns
from pai.cli.failures import FaultsError, UsageError
from pai.cli.kinds import AGENT, kind_named
from pai.cli.output import results
from pai.cli.output.serialise import Output, as_json, as_yaml
from pai.cli.session import (
    ContextOption,
    NamespaceOption,
    OutputOption,
    TimeoutOption,
    WaitOption,
    connect,
    load_contexts,
)
from pai.cli.waiting import wait_until_gone, wait_until_ready

FilesOption = Annotated[
    list[str],
    typer.Option("--file", "-f", metavar="FILE|-|DIR", help="What to read; repeatable."),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Check everything and change nothing.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs to `app`."""
    app.command()(create)
    app.command()(apply)
    app.command()(delete)


def create(
    files: FilesOption,
    wait: WaitOption = False,
    timeout: TimeoutOption = 120.0,
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TABLE,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Create resources; a name that exists is an error and nothing is changed."""
    target = (context, namespace)
    _write(files, target, output, timeout if wait else None, {"create": True, "dryRun": dry_run})


def apply(
    files: FilesOption,
    wait: WaitOption = False,
    timeout: TimeoutOption = 120.0,
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TABLE,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Create resources or change them to what the files say: all of them, or none."""
    target = (context, namespace)
    _write(files, target, output, timeout if wait else None, {"create": False, "dryRun": dry_run})


def delete(
    kind: Annotated[
        str, typer.Argument(help="agent, model, service or secret.", autocompletion=nouns)
    ],
    name: Annotated[str, typer.Argument(help="Name of the resource.")],
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Delete the agent's data, too.")
    ] = False,
    wait: WaitOption = False,
    timeout: TimeoutOption = 120.0,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Delete one resource. An agent's volumes stay unless --volumes is given."""
    found = kind_named(kind)
    if volumes and found != AGENT:
        raise UsageError("--volumes: only agents have volumes")
    with connect(context, namespace) as client:
        client.delete(found.plural, name, volumes=volumes)
        if wait and found == AGENT:
            wait_until_gone(client, name, timeout)
    terminal.show(f"{found.kind.lower()}/{name} deleted\n")


def _write(
    files: Sequence[str],
    target: tuple[str | None, str | None],
    output: Output,
    wait: float | None,
    flags: Mapping[str, bool],
) -> None:
    """Send the documents and show what became of each; wait: seconds, None = not at all."""
    from pai.cli.sources import documents  # the resource models are slow to load

    found = documents(files)
    _, chosen = load_contexts().pick(target[0])
    body = {"documents": found, "personalEnv": dict(chosen.env), **flags}
    with connect(*target) as client:
        answers = _applied(client, body)
        terminal.show(_shown(answers, output))
        remarks = results.warnings(answers, terminal.paint(sys.stderr))
        if remarks:
            terminal.note(remarks)
        if wait is not None and not flags["dryRun"]:
            wait_until_ready(client, _agents(answers), wait)


def _applied(client: PlatformClient, body: Mapping[str, Any]) -> list[Json]:
    """Apply; faults that only the platform can find are told by kind and name."""
    try:
        return client.apply(body)
    except FaultsError as error:
        labels = [
            f"{document['kind'].lower()}/{document['metadata']['name']}"
            for document in body["documents"]
        ]
        raise FaultsError(
            [
                replace(fault, where=labels[fault.document])
                if fault.document is not None and fault.document < len(labels)
                else fault
                for fault in error.faults
            ]
        ) from None


def _agents(answers: Sequence[Json]) -> list[str]:
    return [answer["name"] for answer in answers if answer["kind"] == AGENT.kind]


def _shown(answers: Sequence[Json], output: Output) -> str:
    if output is Output.NAME:
        return "".join(f"{item['kind'].lower()}/{item['name']}\n" for item in answers)
    if output is Output.TABLE:
        return results.results(answers, terminal.paint())
    return as_json(answers) if output is Output.JSON else as_yaml(list(answers))
