"""Logging off the hot path, and tasks that crash."""

import asyncio
import json
import os
import threading

from tests.unit.wire.kernel import until

from pai.wire import log
from pai.wire.log import Writer
from pai.wire.tasks import spawn


def test_lines_are_written_in_order_and_flushed_at_the_end() -> None:
    read_end, write_end = os.pipe()
    writer = Writer(write_end)
    for i in range(1000):
        writer.put(b"%d" % i)
    writer.close()
    os.close(write_end)
    with os.fdopen(read_end, "rb") as file:
        assert file.read().split() == [b"%d" % i for i in range(1000)]
    assert writer.dropped == 0


def test_a_reader_that_stalls_costs_lines_not_time() -> None:
    read_end, write_end = os.pipe()
    writer = Writer(write_end, capacity=10)
    for _ in range(200):
        writer.put(b"x" * 4096)  # a pipe holds 64 KiB: the writing thread is stuck
    assert writer.dropped > 100
    lines: list[bytes] = []

    def drain() -> None:
        with os.fdopen(read_end, "rb") as file:
            lines.extend(file.read().split(b"\n"))

    reader = threading.Thread(target=drain)
    reader.start()
    writer.put(b"last")
    writer.close()
    os.close(write_end)
    reader.join()
    assert any(b'"dropped":' in line for line in lines)


def test_a_reader_that_is_gone_ends_nothing() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    writer = Writer(write_end)
    writer.put(b"x")
    writer.close()
    os.close(write_end)
    assert writer.dropped == 1


def test_lines_are_json_with_their_fields() -> None:
    lines: list[bytes] = []
    log.configure(lines.append)
    log.info("hello", agent="a/b", count=2)
    log.debug("hidden")
    log.configure()
    (entry,) = [json.loads(line) for line in lines]
    assert (entry["level"], entry["message"], entry["agent"]) == ("info", "hello", "a/b")
    assert entry["at"].endswith("+00:00")


async def test_a_task_that_crashes_is_logged_without_its_text() -> None:
    lines: list[bytes] = []
    log.configure(lines.append)

    async def crash() -> None:
        raise RuntimeError("canary")

    async def cancelled() -> None:
        await asyncio.sleep(3600)

    spawn(crash(), "crasher")
    task = spawn(cancelled(), "sleeper")
    task.cancel()
    await until(lambda: bool(lines))
    await asyncio.sleep(0)
    log.configure()
    assert len(lines) == 1
    assert b"crasher" in lines[0]
    assert b"canary" not in lines[0]
