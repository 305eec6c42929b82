"""The user's terminal: where text goes, whether it is coloured, and what is asked."""

import os
import sys
from collections.abc import Iterable
from typing import TextIO

from pai.cli.failures import CommandError
from pai.cli.output.paint import Paint
from pai.cli.output.plain import printable


def paint(stream: TextIO | None = None) -> Paint:
    """Return colours for `stream` (standard output): on for a terminal that did not refuse them."""
    stream = stream or sys.stdout
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Paint(on=stream.isatty() and not plain)


def show(text: str) -> None:
    """Write an answer to standard output."""
    sys.stdout.write(text)
    sys.stdout.flush()


def note(text: str) -> None:
    """Write a remark to standard error, as a line of its own."""
    sys.stderr.write(text if text.endswith("\n") else text + "\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """Write a `warning:` line to standard error."""
    note(f"{paint(sys.stderr).warn('warning:')} {printable(text)}")


def stream_out(chunks: Iterable[str]) -> None:
    """Write text as it arrives; on a terminal without what could steer the terminal."""
    safe = printable if sys.stdout.isatty() else str
    for chunk in chunks:
        sys.stdout.write(safe(chunk))
        sys.stdout.flush()


def use_utf8() -> None:
    """Let every character be written, replaced where the terminal's encoding has none."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def read_secret(prompt: str) -> str:
    """Return one secret: asked for without echo on a terminal, else all of standard input.

    One newline at its end is not part of it. Raises CommandError when it is empty.
    """
    if sys.stdin.isatty():
        import getpass

        value = getpass.getpass(f"{prompt}: ", stream=sys.stderr)
    else:
        value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise CommandError(f"{prompt}: no value was given", hint="write it to standard input")
    return value


def is_interactive() -> bool:
    """Say whether a person can be asked: standard input is a terminal."""
    return sys.stdin.isatty()
