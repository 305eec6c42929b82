"""A proxy that runs and can be measured, and how it is asked."""

import http.client
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from bench.call import CHAT, JSON, SSE, Call, Shape, body
from bench.process import Running

_LOG_CHARACTERS = 4000
_CHECK_SECONDS = 60.0


@dataclass(frozen=True)
class Way:
    """How a client asks for one model of the mock's."""

    model: str
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = CHAT


@dataclass(frozen=True)
class Target:
    """A proxy. native: to chat completions; translated: to Messages, for a chat client.

    idle_mib: resident set before the first request.
    """

    name: str
    port: int
    running: Running
    native: Way
    translated: Way | None = None
    idle_mib: float = 0.0

    def call(self, shape: Shape, way: Way | None = None) -> Call:
        """Return the request for a shape."""
        asked = way or self.native
        return Call(self.port, body(shape, asked.model), asked.headers, asked.path)


Start = Callable[[Path, int], AbstractContextManager[Target]]
"""Starts a proxy for the length of a block, given a folder of its own and the mock's port."""


def check(target: Target, folder: Path) -> None:
    """Ask for everything once. Raises RuntimeError with the answer and the logs of `folder`."""
    for way in filter(None, (target.native, target.translated)):
        for shape in (JSON, SSE):
            status, text = answer_to(target.call(shape, way))
            if status != 200 or "word " not in text or (shape.stream and "data: " not in text):
                logs = "\n".join(_end_of(log) for log in sorted(folder.glob("*.log")))
                raise RuntimeError(f"{target.name}, {way.model}: {status} {text[:500]}\n{logs}")


def answer_to(call: Call) -> tuple[int, str]:
    """Return status and body of one answer."""
    connection = http.client.HTTPConnection("127.0.0.1", call.port, timeout=_CHECK_SECONDS)
    try:
        headers = {"content-type": "application/json", **call.headers}
        connection.request("POST", call.path, call.body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def _end_of(log: Path) -> str:
    return f"--- {log.name}\n{log.read_text(errors='replace')[-_LOG_CHARACTERS:]}"
