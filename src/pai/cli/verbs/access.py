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
    host: Annotated[str, typer.Argument(help="Host, address or URL of the platform.")],
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token from standard input.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the context; the host if not given.")
    ] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Namespace of the context.")
    ] = "default",
) -> None:
    """Remember a platform and its token, and use it.

    A host name means https; a bare IP address means http, so the token travels unencrypted.
    """
    server = server_url(host)
    if token_stdin or terminal.is_interactive():
        token = terminal.read_secret("token").strip()
    else:
        raise UsageError("no terminal to ask for the token", hint="pipe it and add --token-stdin")
    known = load_contexts()
    label = name or urlsplit(server).netloc
    env = known.by_name[label].env if label in known.by_name else {}
    context = Context(server=server, token=token, namespace=namespace, env=env)
    if urlsplit(server).scheme == "http" and not _is_loopback(server):
        terminal.warn(f"{server} is not encrypted: others on the way can read your token")
    client = client_for(context)
    try:
        client.version()
        client.list_all("agentworkloads")  # the first call that needs the token
    finally:
        client.close()
    save_contexts(known.with_context(label, context, use=True))
    terminal.show(f"logged in to {server} as context {label}\n")


def logout(context: ContextOption = None) -> None:
    """Forget the token of a context."""
    name = update_context(context, token=None)
    terminal.show(f"forgot the token of context {name}\n")


def list_contexts(output: OutputOption = Output.TABLE) -> None:
    """List the known platforms; the one in use is marked with `*`."""
    known = load_contexts()
    if output is Output.NAME:
        terminal.show("".join(f"{name}\n" for name in sorted(known.by_name)))
    elif output is Output.TABLE:
        rows = [
            ["*" if name == known.current else "", name, context.server, context.namespace]
            for name, context in sorted(known.by_name.items())
        ]
        headers = ("CURRENT", "NAME", "SERVER", "NAMESPACE")
        terminal.show(table(headers, rows) if rows else "no contexts\n")
    else:
        found = [
            {"name": name, "server": context.server, "namespace": context.namespace}
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
