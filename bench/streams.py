"""Streams: as fast as they come, and many that stay open."""

import asyncio
import statistics
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import uvloop

from bench.call import Answer, Call
from bench.load import Figures
from bench.process import Running
from bench.target import Target

_READ = 1 << 16
_OPEN_SECONDS = 30.0


@dataclass
class Held:
    """Many streams at once, each with an event now and then. event_us: CPU of one event;
    0 if none came.

    streams: those that were under way at the end, of the `asked` ones.
    """

    name: str
    asked: int
    streams: int
    events_per_second: float
    event_us: float
    idle_mib: float
    rss_mib: float


def streamed(
    name: str, call: Call, target: Running, *, seconds: float = 5, connections: int = 8
) -> Figures:
    """Ask for streams, one after the other on each connection; each is read to its end.

    p50 and p99 are of whole streams on one connection alone.
    """
    uvloop.run(_rounds(call, 1.0, 1))
    before, started = target.cpu_seconds(), time.monotonic()
    ended = uvloop.run(_rounds(call, seconds, connections))
    took, cpu = time.monotonic() - started, target.cpu_seconds() - before
    alone = uvloop.run(_rounds(call, seconds / 2, 1))
    waits = [seconds for seconds, _ in alone]
    cuts = statistics.quantiles(waits, n=100) if len(waits) > 1 else waits * 99
    return Figures(
        name=name,
        cpu_us=cpu / len(ended) * 1e6,
        p50_us=cuts[49] * 1e6,
        p99_us=cuts[98] * 1e6,
        per_second=len(ended) / took,
        rss_mib=target.rss_mib(),
        errors=sum(status != 200 for _, status in ended + alone),
    )


def held(name: str, call: Call, target: Target, *, streams: int = 500) -> Held:
    """Open endless streams, look at `target` while they all run, and hang up."""
    return uvloop.run(_held(name, call, target, streams))


async def _rounds(call: Call, seconds: float, connections: int) -> list[tuple[float, int]]:
    """Return each answer's seconds and status."""
    request, until = call.request(), time.monotonic() + seconds
    found: list[tuple[float, int]] = []

    async def go_on() -> None:
        async with connection(call) as (reader, writer):
            while time.monotonic() < until:
                started, answer = time.monotonic(), Answer()
                writer.write(request)
                await read(reader, answer)
                found.append((time.monotonic() - started, answer.status))

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(go_on())
    return found


async def _held(name: str, call: Call, target: Target, asked: int, seconds: float = 5) -> Held:
    process, answers = target.running, [Answer() for _ in range(asked)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_hold(call, answer)) for answer in answers]
        opened = time.monotonic() + _OPEN_SECONDS
        while not all(answer.events for answer in answers) and time.monotonic() < opened:
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        before, seen, started = process.cpu_seconds(), _events(answers), time.monotonic()
        await asyncio.sleep(seconds)
        cpu, took = process.cpu_seconds() - before, time.monotonic() - started
        events, rss = _events(answers) - seen, process.rss_mib()
        held = sum(
            answer.events > 0 and not task.done()
            for answer, task in zip(answers, tasks, strict=True)
        )
        for task in tasks:
            task.cancel()
    return Held(
        name=name,
        asked=asked,
        streams=held,
        events_per_second=events / took,
        event_us=cpu / events * 1e6 if events else 0.0,
        idle_mib=target.idle_mib,
        rss_mib=rss,
    )


async def _hold(call: Call, answer: Answer) -> None:
    """Ask for a stream and read it until cancelled; return if it ends, as it must not."""
    with suppress(ConnectionError):
        async with connection(call) as (reader, writer):
            writer.write(call.request())
            await read(reader, answer)


@asynccontextmanager
async def connection(call: Call) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    """Connect to where `call` goes, for the length of a block; then hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", call.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def read(reader: StreamReader, answer: Answer, events: int | None = None) -> None:
    """Read to the end of an answer, or until it has so many events.

    Raises ConnectionError if there is no end.
    """
    while events is None or answer.events < events:
        data = await reader.read(_READ)
        if not data:
            raise ConnectionError("closed in the middle of an answer")
        if answer.feed(data):
            return


def _events(answers: list[Answer]) -> int:
    return sum(answer.events for answer in answers)
