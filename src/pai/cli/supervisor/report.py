"""How a supervisor tells whoever started it what happens: to a terminal, or through a pipe."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class Reporter(Protocol):
    """Told about every step; called from one thread."""

    def progress(self, text: str) -> None:
        """Something was reached on the way to ready."""

    def ready(self, seconds: float) -> None:
        """Every process answers."""

    def failed(self, text: str, hint: str | None) -> None:
        """The platform can't start."""

    def line(self, process: str, text: str) -> None:
        """A child wrote a line."""


@dataclass(frozen=True)
class Message:
    """One step as it travels through the pipe. kind: progress, ready or failed."""

    kind: str
    text: str = ""
    hint: str | None = None
    seconds: float = 0.0


class PipeReporter:
    """Writes messages as JSON lines to a pipe, which ends with the first that is final."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        os.set_inheritable(descriptor, False)

    def progress(self, text: str) -> None:
        """Send a step."""
        self._send(Message("progress", text))

    def ready(self, seconds: float) -> None:
        """Send that all is well, and close the pipe."""
        self._send(Message("ready", seconds=seconds), last=True)

    def failed(self, text: str, hint: str | None) -> None:
        """Send what went wrong, and close the pipe."""
        self._send(Message("failed", text, hint), last=True)

    def line(self, process: str, text: str) -> None:
        """Lines are in the logs; nobody reads them here."""

    def _send(self, message: Message, *, last: bool = False) -> None:
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, json.dumps(vars(message)).encode() + b"\n")
        except BrokenPipeError:
            last = True  # the reader went away; the platform starts all the same
        if last:
            os.close(self._descriptor)
            self._descriptor = None


def messages(lines: Iterator[str]) -> Iterator[Message]:
    """Yield the messages of a pipe's lines."""
    for line in lines:
        yield Message(**json.loads(line))
