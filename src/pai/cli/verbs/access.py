"""`pai login`, `logout`, `context`: which platforms are known and which one is in use."""

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

import typer

from pai.cli import terminal
from pai.cli.completions import context_names
from pai.cli.contexts import Context
from pai.cli.failures import CommandError, UsageError
from pai.cli.output.plain import table
from pai.cli.output.serialise import Output, as_json, as_yaml
from pai.cli.session import (
    ContextOption,
    OutputOption,
    client_for,
    load_contexts,
    save_contexts,
    update_context,
)

# No user name or password, no path, nothing that needs escaping.
_NETLOC = re.compile(r"[A-Za-z0-9._:\[\]-]+")

ContextName = Annotated[
    str, typer.Argument(help="Name of the context.", autocompletion=context_names)
]


def register(app: typer.Typer) -> None:
    """Add the verbs to `app`."""
    app.command()(login)
    app.command()(logout)
    group = typer.Typer(help="Platforms you know.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_contexts)
    group.command()(use)
    group.command()(delete)
    app.add_typer(group, name="context")


def login(
    host: Annotated[
        str | None, typer.Argument(metavar="[HOST]", help="Host, address or URL of the platform.")
    ] = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from standard input.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", help="Name of the context; that of the host or cluster if not given."
        ),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace", "-n", help="Namespace of the context: `default`, or the kubeconfig's."
        ),
    ] = None,
    kubernetes: Annotated[
        bool, typer.Option("--kubernetes", help="The platform on a cluster, by a kubeconfig.")
    ] = False,
    kube_context: Annotated[
        str | None,
        typer.Option("--kube-context", help="Context of the kubeconfig; the one in use there."),
    ] = None,
    kubeconfig: Annotated[
        str | None,
        typer.Option("--kubeconfig", help="Its file; $KUBECONFIG or ~/.kube/config if not given."),
    ] = None,
) -> None:
    """Remember a platform and its token, and use it.

    A host name means https; a bare IP address means http, so the token travels unencrypted.
    With --kubernetes the platform on a cluster, with the kubeconfig's own credentials: no token.
    """
    if kubernetes and host is None and not token_stdin:
        label, context = _cluster_context(kubeconfig, kube_context, namespace)
        label = name or label
    elif host is not None and not (kubernetes or kube_context or kubeconfig):
        label, context = _host_context(host, namespace, token_stdin=token_stdin)
        label = name or label
    else:
        raise UsageError("either HOST or --kubernetes", hint="pai login --kubernetes")
    known = load_contexts().remembering(label, context)
    client = client_for(known.by_name[label])
    try:
        client.version()
        client.list_all("agentworkloads")  # the first call that needs a right
    finally:
        client.close()
    save_contexts(known)
    terminal.show(f"logged in to {context.shown} as context {label}\n")


def logout(context: ContextOption = None) -> None:
    """Forget the token of a context."""
    name = update_context(context, Context.forgotten)
    terminal.show(f"forgot the token of context {name}\n")


def list_contexts(output: OutputOption = Output.TABLE) -> None:
    """List the known platforms; the one in use is marked with `*`."""
    known = load_contexts()
    if output is Output.NAME:
        terminal.show("".join(f"{name}\n" for name in sorted(known.by_name)))
    elif output is Output.TABLE:
        rows = [
            ["*" if name == known.current else "", name, context.shown, context.namespace or "-"]
            for name, context in sorted(known.by_name.items())
        ]
        headers = ("CURRENT", "NAME", "SERVER", "NAMESPACE")
        terminal.show(table(headers, rows) if rows else "no contexts\n")
    else:
        found = [
            {"name": name, "server": context.shown, "namespace": context.namespace}
            for name, context in sorted(known.by_name.items())
        ]
        document = {"current": known.current, "items": found}
        terminal.show(as_json(document) if output is Output.JSON else as_yaml(document))


def use(name: ContextName) -> None:
    """Use a platform from now on."""
    save_contexts(load_contexts().use(name))
    terminal.show(f"using context {name}\n")


def delete(name: ContextName) -> None:
    """Forget a platform and its token."""
    known = load_contexts()
    known.pick(name)
    save_contexts(known.without(name))
    terminal.show(f"deleted context {name}\n")


def _host_context(host: str, namespace: str | None, *, token_stdin: bool) -> tuple[str, Context]:
    """Return a name and the context of a platform with a token, which is asked for."""
    server = server_url(host)
    if not token_stdin and not terminal.is_interactive():
        raise UsageError("no terminal to ask for the token", hint="pipe it and add --token-stdin")
    token = terminal.read_secret("token").strip()
    if urlsplit(server).scheme == "http" and not _is_loopback(server):
        terminal.warn(f"{server} is not encrypted: others on the way can read your token")
    context = Context(server=server, token=token, namespace=namespace or "default")
    return urlsplit(server).netloc, context


def _cluster_context(
    files: str | None, kube_context: str | None, namespace: str | None
) -> tuple[str, Context]:
    """Return a name and the context of a platform on a cluster."""
    from pai.cli.cluster.connection import open_connection
    from pai.cli.cluster.platform import context_of

    connection = open_connection(files, kube_context)
    if connection.target.insecure:
        server = connection.target.server
        terminal.warn(f"{server} is not verified: others on the way can read all you send")
    return connection.target.context, context_of(connection, files, namespace or "")


def server_url(host: str) -> str:
    """Return the base URL that `host` means: http for a bare address, else https.

    Raises CommandError for anything that is not a host, an address or an http(s) URL.
    """
    full = host
    if "://" not in host:
        scheme = "http" if _is_address(host) else "https"
        full = f"{scheme}://{_bracketed(host)}"
    try:
        parts = urlsplit(full)
        good = parts.hostname and parts.port != 0 and _NETLOC.fullmatch(parts.netloc)
    except ValueError:
        good = None
    if not good or full.rstrip("/") != f"{parts.scheme}://{parts.netloc}":
        raise CommandError(f"not a host or a URL of a platform: {host!r}")
    if parts.scheme not in ("http", "https"):
        raise CommandError(f"not a host or a URL of a platform: {host!r}", hint="http or https")
    return f"{parts.scheme}://{parts.netloc}"


def _is_address(host: str) -> bool:
    """Say whether `host` is a bare IP address, with or without a port."""
    for candidate in (host, host.rpartition(":")[0]):
        try:
            ipaddress.ip_address(candidate.strip("[]"))
        except ValueError:
            continue
        return True
    return False


def _bracketed(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host)}]"
    except ValueError:
        return host


def _is_loopback(server: str) -> bool:
    name = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
