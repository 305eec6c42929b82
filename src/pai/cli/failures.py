"""How a command fails: one line, a hint, an exit code. 1 = refused or failed, 2 = wrong usage."""

from collections.abc import Sequence
from dataclasses import dataclass

from pai.cli.output.paint import Paint
from pai.cli.output.plain import printable
from pai.errors import PaiError


class CommandError(PaiError):
    """The command was understood and could not be done."""

    exit_code = 1


class UsageError(CommandError):
    """The command itself is wrong: an option, an argument, a combination."""

    exit_code = 2


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a document.

    where: `file:line`, or empty. document: index among those that were sent, or None.
    """

    message: str
    where: str = ""
    hint: str | None = None
    document: int | None = None


class FaultsError(CommandError):
    """Documents with faults; all of them are shown at once."""

    reason = "InvalidSpec"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults" if len(faults) > 1 else faults[0].message)
        self.faults = tuple(faults)


def format_failure(error: PaiError, paint: Paint) -> str:
    """Return `error: …` and `hint: …` lines for `error`, ending in a newline.

    Only FaultsError gives more than one `error:` line.
    """
    if isinstance(error, FaultsError):
        return "".join(_lines(_located(fault), fault.hint, paint) for fault in error.faults)
    return _lines(error.message, error.hint, paint)


def exit_code(error: PaiError) -> int:
    """Return the exit code that `error` ends the command with."""
    return error.exit_code if isinstance(error, CommandError) else 1


def _located(fault: Fault) -> str:
    return f"{fault.where}: {fault.message}" if fault.where else fault.message


def _lines(message: str, hint: str | None, paint: Paint) -> str:
    text = f"{paint.bad('error:')} {_one_line(message)}\n"
    return text + (f"{paint.dim('hint:')}  {_one_line(hint)}\n" if hint else "")


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
