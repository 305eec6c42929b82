"""`pai config set-env`: variables that every agent of this user gets."""

import re
from dataclasses import replace
from typing import Annotated

import typer

from pai.cli import terminal
from pai.cli.failures import UsageError
from pai.cli.output.plain import printable
from pai.cli.session import ContextOption, load_contexts, update_context

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def register(app: typer.Typer) -> None:
    """Add the verbs to `app`."""
    group = typer.Typer(help="Settings of your own.", no_args_is_help=True, rich_markup_mode=None)
    group.command("set-env")(set_env)
    app.add_typer(group, name="config")


def set_env(
    assignments: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="Variables to set.")
    ] = None,
    unset: Annotated[list[str] | None, typer.Option("--unset", help="Variable to forget.")] = None,
    list_all: Annotated[bool, typer.Option("--list", help="Show all variables.")] = False,
    context: ContextOption = None,
) -> None:
    """Set variables for every agent that you create or apply from now on.

    An agent's own spec.env wins. Not for secrets: agents see these values.
    """
    if not (assignments or unset or list_all):
        raise UsageError("nothing to do", hint="pai config set-env KEY=VALUE, --unset or --list")
    name, chosen = load_contexts().pick(context)
    env = {**chosen.env, **dict(_assignment(text) for text in assignments or ())}
    for key in unset or ():
        if env.pop(key, None) is None:
            terminal.warn(f"{key} was not set")
    if assignments or unset:
        update_context(name, lambda known: replace(known, env=dict(sorted(env.items()))))
    if list_all:
        terminal.show("".join(f"{key}={printable(env[key])}\n" for key in sorted(env)))


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(key):
        raise UsageError(f"not KEY=VALUE: {key!r}", hint="for example GIT_AUTHOR_NAME='Ada L.'")
    if key.startswith("PAI_"):
        raise UsageError(f"{key}: names that begin with PAI_ are the platform's own")
    return key, value
