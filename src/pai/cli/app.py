"""The verbs put together, and the one place where an error becomes a line and an exit code."""

import os
import sys
import traceback
from collections.abc import Sequence

import typer
from typer.main import get_command

from pai.cli import terminal
from pai.cli.failures import exit_code, format_failure
from pai.cli.verbs import (
    access,
    add,
    config,
    documents,
    inspect,
    install,
    operate,
    platform,
    records,
)
from pai.errors import PaiError

app = typer.Typer(
    name="pai",
    help="Run AI agents which nobody has to trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (platform, install, documents, inspect, operate, add, config, access, records):
    group.register(app)

_USAGE = typer.BadParameter.__mro__[1]  # UsageError of whichever click this Typer carries
_CLICK = typer.BadParameter.__mro__[2]


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused or failed, 2 wrong usage."""
    terminal.use_utf8()
    try:
        return _invoke(arguments)
    except BrokenPipeError:
        _forget_stdout()
        return 1
    except PaiError as error:
        return _fail(error, exit_code(error))
    except OSError as error:
        return _fail(_os_error(error), 1)
    except Exception as error:  # a bug: one line; PAI_DEBUG=1 shows the traceback
        return _fail(_bug(error), 1)


def _fail(error: PaiError, code: int) -> int:
    if os.environ.get("PAI_DEBUG") == "1":
        traceback.print_exc()
    terminal.note(format_failure(error, terminal.paint(sys.stderr)))
    return code


def _invoke(arguments: Sequence[str] | None) -> int:
    """Run the command; only wrong usage and interrupts are answered here."""
    try:
        code = get_command(app)(args=arguments, prog_name="pai", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        terminal.note("interrupted")
        return 130
    except Exception as error:
        if not isinstance(error, _CLICK):
            raise
        return _wrong_usage(error)


def _wrong_usage(error: Exception) -> int:
    """Show click's complaint in our shape."""
    message = str(getattr(error, "format_message")())  # noqa: B009 - click's type has no name here
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        terminal.note(message)
        return 2
    path = getattr(context, "command_path", "pai")
    terminal.note(format_failure(PaiError(message, f"{path} --help"), terminal.paint(sys.stderr)))
    return 2 if isinstance(error, _USAGE) else 1


def _os_error(error: OSError) -> PaiError:
    named = f"{error.filename}: " if error.filename else ""
    return PaiError(f"{named}{error.strerror or error}")


def _bug(error: Exception) -> PaiError:
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(last.filename)}:{last.lineno}"
    return PaiError(
        f"unexpected {type(error).__name__} at {where}", hint="PAI_DEBUG=1 shows the whole of it"
    )


def _forget_stdout() -> None:
    """Let the interpreter end without writing to a pipe nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
