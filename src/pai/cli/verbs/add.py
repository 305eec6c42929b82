"""`pai add model|secret|service`: make one resource without writing YAML.

Secret values are read from standard input, a prompt without echo, a file or a variable of the
environment; never from an argument, where every process of the machine could read them.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pai.cli import terminal
from pai.cli.failures import CommandError, UsageError
from pai.cli.kinds import MODEL, SECRET, SERVICE, Kind
from pai.cli.session import ContextOption, NamespaceOption, connect

API_VERSION = "pai.io/v1"
NameArgument = Annotated[str, typer.Argument(help="Name of the new resource.")]
SecretOption = Annotated[str | None, typer.Option("--secret", help="Secret that holds the key.")]
SecretKeyOption = Annotated[str | None, typer.Option("--secret-key", help="Entry of the secret.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to `app`."""
    group = typer.Typer(
        help="Make one resource without YAML.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command()(model)
    group.command()(secret)
    group.command()(service)
    app.add_typer(group, name="add")


def model(  # noqa: PLR0913 - one parameter an option
    name: NameArgument,
    provider: Annotated[
        str, typer.Option("--provider", help="anthropic, gemini, openai or openrouter.")
    ],
    model_id: Annotated[str, typer.Option("--model", help="The vendor's name of the model.")],
    secret: SecretOption = None,
    secret_key: SecretKeyOption = None,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="Base URL of a server of your own.")
    ] = None,
    per_day: Annotated[
        int | None, typer.Option("--max-tokens-per-day", help="Hard budget of a UTC day.")
    ] = None,
    per_request: Annotated[
        int | None, typer.Option("--max-tokens-per-request", help="Limit of one request.")
    ] = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Add a model that agents can be given."""
    reference = _present({"name": secret, "key": secret_key})
    spec = {
        "provider": provider,
        "model": model_id,
        "apiKeySecretRef": reference or None,
        "endpoint": endpoint,
        "maxTokensPerDay": per_day,
        "maxTokensPerRequest": per_request,
    }
    _create(MODEL, name, {"spec": _present(spec)}, context, namespace)


def service(  # noqa: PLR0913 - one parameter an option
    name: NameArgument,
    type_: Annotated[str, typer.Option("--type", help="github, telegram, http-token, ...")],
    host: Annotated[str | None, typer.Option("--host", help="Host name to intercept.")] = None,
    secret: SecretOption = None,
    secret_key: SecretKeyOption = None,
    agent_env_var: Annotated[
        str | None, typer.Option("--agent-env-var", help="Variable that gets a dummy.")
    ] = None,
    header: Annotated[str | None, typer.Option("--header", help="Header for the token.")] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Text before the token.")] = None,
    param: Annotated[
        str | None, typer.Option("--param", help="Query parameter for the token.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help="Action that is allowed; repeatable.")
    ] = None,
    deny: Annotated[
        list[str] | None, typer.Option("--deny", help="Action that is denied; repeatable.")
    ] = None,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Add an outside service that agents can be given."""
    auth = {
        "secretRef": secret,
        "secretKey": secret_key,
        "agentEnvVar": agent_env_var,
        "header": header,
        "prefix": prefix,
        "param": param,
    }
    policy = _present({"allow": allow, "deny": deny})
    spec = {"type": type_, "host": host, "auth": _present(auth), "policy": policy or None}
    _create(SERVICE, name, {"spec": _present(spec)}, context, namespace)


def secret(
    name: NameArgument,
    key: Annotated[
        str | None,
        typer.Argument(help="Entry whose value is asked for, or read from standard input."),
    ] = None,
    from_file: Annotated[
        list[str] | None, typer.Option("--from-file", metavar="KEY=PATH", help="Entry from a file.")
    ] = None,
    from_env: Annotated[
        list[str] | None,
        typer.Option("--from-env", metavar="KEY=VAR", help="Entry from a variable."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace all entries of a secret that exists.")
    ] = False,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
) -> None:
    """Add a secret. Without options the value of the entry `token` is asked for."""
    values = _file_entries(from_file or []) | _variable_entries(from_env or [])
    if key is not None or not values:
        wanted = key or "token"
        if "=" in wanted:
            raise UsageError(
                "a secret's value can't be an argument: other processes could read it",
                hint=f"pai add secret {name} {wanted.partition('=')[0]}",
            )
        values[wanted] = terminal.read_secret(f"value of {name}.{wanted}")
    _create(SECRET, name, {"stringData": values}, context, namespace, replace=replace)


def _create(
    kind: Kind,
    name: str,
    content: Mapping[str, Any],
    context: str | None,
    namespace: str | None,
    *,
    replace: bool = False,
) -> None:
    document = {
        "apiVersion": API_VERSION,
        "kind": kind.kind,
        "metadata": {"name": name},
        **content,
    }
    with connect(context, namespace) as client:
        body = {"documents": [document], "personalEnv": {}, "create": not replace}
        for result in client.apply(body):
            terminal.show(f"{kind.kind.lower()}/{name} {result['result']}\n")


def _present(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value is not None}


def _file_entries(arguments: list[str]) -> dict[str, str]:
    entries = {}
    for argument in arguments:
        key, path = _split(argument, "--from-file", "KEY=PATH")
        try:
            entries[key] = _content(Path(path).read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise CommandError(f"{path}: not text (UTF-8)") from None
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
    return entries


def _content(text: str) -> str:
    """Return a file's text; one line loses its line end, which is never part of a token."""
    return text.removesuffix("\n") if text.count("\n") == 1 else text


def _variable_entries(arguments: list[str]) -> dict[str, str]:
    entries = {}
    for argument in arguments:
        key, variable = _split(argument, "--from-env", "KEY=VAR")
        value = os.environ.get(variable)
        if not value:
            raise CommandError(f"--from-env: the variable {variable} is not set or is empty")
        entries[key] = value
    return entries


def _split(argument: str, option: str, shape: str) -> tuple[str, str]:
    key, _, rest = argument.partition("=")
    if not key or not rest:
        raise UsageError(f"{option}: not {shape}")
    return key, rest
