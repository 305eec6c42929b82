"""Clients that never pause, and how each of their requests ended."""

import http.client
import threading
import time
from collections import Counter
from types import TracebackType
from typing import NamedTuple, Self

_TIMEOUT_SECONDS = 30.0
_PAUSE_SECONDS = 0.02


class Target(NamedTuple):
    """What is asked again and again. body: None = GET. expected: part of the answer's body.

    kept: one connection for all requests, as a browser or a proxy would have it.
    """

    name: str
    address: str
    port: int
    host: str
    path: str = "/hello"
    body: bytes | None = None
    expected: bytes = b""
    kept: bool = False


class Steady:
    """Sends requests to every target, one at a time each, as long as the block lasts."""

    def __init__(self, *targets: Target) -> None:
        self.answered: Counter[str] = Counter()
        self.failures: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(one,)) for one in targets]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_SECONDS + 5)

    def _ask(self, target: Target) -> None:
        asker = _Asker(target)
        while not self._over.wait(_PAUSE_SECONDS):
            began = time.time()
            fault = asker.ask()
            if fault:
                self.failures.append(f"{target.name} at {began:.2f}: {fault}")
            else:
                self.answered[target.name] += 1
        asker.close()


def ask(target: Target) -> str:
    """Send one request and return what was wrong with its answer."""
    asker = _Asker(target)
    try:
        return asker.ask()
    finally:
        asker.close()


class _Asker:
    """One client. A kept connection that was closed while idle is opened anew, as all clients do.

    Source: RFC 9112, section 9.3.1.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection = _connection(target)
        self._used = False

    def ask(self) -> str:
        """Send one request and return what was wrong with its answer."""
        target = self._target
        try:
            status, body = self._exchange()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return repr(error)
        if not target.kept:
            self.close()
        return "" if status == 200 and target.expected in body else f"{status} {body[:200]!r}"

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
        self._used = False

    def _exchange(self) -> tuple[int, bytes]:
        again = self._used and self._target.body is None
        try:
            return self._once()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if not again:
                raise
            self.close()
            return self._once()

    def _once(self) -> tuple[int, bytes]:
        target = self._target
        method = "GET" if target.body is None else "POST"
        self._connection.request(method, target.path, target.body, {"Host": target.host})
        with self._connection.getresponse() as answer:
            status, body = answer.status, answer.read()
        self._used = True
        return status, body


def _connection(target: Target) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(target.address, target.port, timeout=_TIMEOUT_SECONDS)
