"""Latency at a given rate: an open loop, which sends on time whatever has not come back yet.

wrk has no rate. Requests leave at random moments (a Poisson process with a fixed seed), each on a
kept connection that is free; latency counts from the moment when it was due. A machine that stops
for a few milliseconds each second (`bench.stalls`) makes a hundredth of all requests late; so there
is a second p99, of pieces of the run, which says what it is in between.
"""

import select
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from bench.call import Answer, Call

_CONNECTIONS = 64
_READ = 1 << 16
_PATIENCE_SECONDS = 30.0
_PIECE = 500  # requests: fewer have no p99, and more would have a stop among them


@dataclass
class Quantiles:
    """Latency at one rate. Units: microseconds. piece_p99_us: half of all pieces have less."""

    p50_us: float
    p99_us: float
    piece_p99_us: float
    errors: int


class _Connection:
    """One kept connection with at most one request under way."""

    def __init__(self, call: Call) -> None:
        self.socket = socket.create_connection(("127.0.0.1", call.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.answer = Answer()

    def fileno(self) -> int:
        return self.socket.fileno()

    @property
    def stale(self) -> bool:
        """Say whether the proxy has closed it, as some do after a few idle seconds."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def send(self, request: bytes, due: float) -> None:
        self.due, self.answer = due, Answer()
        self.socket.sendall(request)

    def read(self) -> bool:
        """Read what is there; say whether the answer is complete."""
        data = self.socket.recv(_READ)
        if not data:
            raise ConnectionError("closed in the middle of an answer")
        return self.answer.feed(data)


def quantiles_at(call: Call, per_second: float, seconds: float) -> Quantiles:
    """Send `per_second` for `seconds` and wait for the last answer. Raises TimeoutError."""
    request, latencies, errors = call.request(), list[tuple[float, float]](), 0
    with ExitStack() as stack:
        free = [_Connection(call) for _ in range(_CONNECTIONS)]
        for connection in free:
            stack.enter_context(connection.socket)
        busy: set[_Connection] = set()
        moments = due_moments(time.perf_counter() + 0.1, per_second, seconds)
        due = next(moments, None)
        while due is not None or busy:
            now = time.perf_counter()
            while due is not None and due <= now and free:
                connection = free.pop()
                if connection.stale:
                    connection.socket.close()
                    connection = _Connection(call)
                    stack.enter_context(connection.socket)
                connection.send(request, due)
                busy.add(connection)
                due = next(moments, None)
            pause = max(0.0, due - now) if due is not None and free else _PATIENCE_SECONDS
            ready = select.select(list(busy), [], [], pause)[0]
            if not ready and pause == _PATIENCE_SECONDS:
                raise TimeoutError(f"{call.url}: no answer within {_PATIENCE_SECONDS:.0f} s")
            for connection in ready:
                if connection.read():
                    took = time.perf_counter() - connection.due
                    latencies.append((connection.due, took))
                    errors += connection.answer.status != 200
                    busy.remove(connection)
                    free.append(connection)
    return summary([took for _, took in sorted(latencies)], errors)


def summary(latencies: Sequence[float], errors: int) -> Quantiles:
    """Sum up latencies in seconds, in the order in which the requests were due."""
    count = max(1, len(latencies) // _PIECE)
    cut_at = [len(latencies) * piece // count for piece in range(count + 1)]
    pieces = [latencies[first:end] for first, end in pairwise(cut_at)]
    cuts = statistics.quantiles(latencies, n=100)
    piece = statistics.median(statistics.quantiles(each, n=100)[98] for each in pieces)
    return Quantiles(cuts[49] * 1e6, cuts[98] * 1e6, piece * 1e6, errors)


def due_moments(start: float, per_second: float, seconds: float) -> Iterator[float]:
    """Yield when to send: the same moments for the same arguments. Shape: sorted."""
    random, moment = Random(1), start
    while (moment := moment + random.expovariate(per_second)) < start + seconds:
        yield moment
