"""docs/reference/cli.md: every command with its arguments and options."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from pai.cli.app import app
from pai.cli.output.advice import ADVICE

_HEAD = """\
# Command line

<!-- Made by `make generate` from pai.cli; do not edit. -->

`pai COMMAND --help` tells the same. `--install-completion` sets up completion of commands, kinds,
contexts and agents' names in your shell.

| Exit code | Meaning |
|---|---|
| 0 | done |
| 1 | refused or failed: one line `error:`, and `hint:` where there is a way out |
| 2 | wrong usage: an unknown command or option, a missing argument |
| 130 | interrupted |

Faults of documents are all told at once, one `error:` each, with file and line.
`pai exec` ends with the exit code of the command it ran.

| Variable | Meaning | Default |
|---|---|---|
| `PAI_HOME` | your own directory; `config.json` (0600) holds contexts and tokens | `~/.pai` |
| `PAI_DATA_DIR` | data directory of the platform on this machine | `$PAI_HOME/data` |
| `PAI_DEBUG` | `1` shows the traceback of an error | |
| `NO_COLOR` | anything switches colours off; in a pipe there are none | |

Options are given after the command they belong to. `-o json` and `-o yaml` are for programs: fields
of the API, nothing cut. Tables are for people and may change.
"""
_ADVICE_HEAD = """
## What `pai status` advises

| Reason of a condition | What to do |
|---|---|
"""


def generate() -> dict[Path, str]:
    """Return the page."""
    parts = [_HEAD, *_commands(get_command(app), "pai"), _ADVICE_HEAD]
    rows = [f"| `{reason}` | {_cell(text)} |\n" for reason, text in sorted(ADVICE.items())]
    return {Path("docs/reference/cli.md"): "".join([*parts, *rows])}


def _commands(group: Any, path: str) -> Iterator[str]:
    """Yield the section of every command below `group`, in the order of `--help`."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path} {name}")
        else:
            yield _section(command, f"{path} {name}")


def _section(command: Any, path: str) -> str:
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    options = [item for item in command.params if item.param_type_name == "option"]
    flags = ["[OPTIONS]"] if options else []
    usage = " ".join([path, *flags, *(_placeholder(item) for item in arguments)])
    text = f"\n## `{path}`\n\n```\n{usage}\n```\n\n{inspect.cleandoc(command.help)}\n"
    rows = [*(_argument_row(item) for item in arguments), *(_option_row(item) for item in options)]
    return text + ("\n| | Meaning | Default |\n|---|---|---|\n" + "".join(rows) if rows else "")


def _placeholder(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper())
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _argument_row(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper()).strip("[]")
    return f"| `{_cell(name)}` | {_cell(argument.help or '')} | |\n"


def _option_row(option: Any) -> str:
    flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    needed = " Required." if option.required else ""
    return f"| {flags} | {_cell(option.help or '')}{needed} | {_default(option)} |\n"


def _default(option: Any) -> str:
    value = getattr(option.default, "value", option.default)
    return "" if value is None or value is False or option.required else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
