"""Several workers in one pod: shared ports, crashes, hangs, and no orphan."""

import argparse
import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest
from tests.unit.gateway.far_control import LIVE, MODELS, READY, Gateway, far_gateway
from tests.unit.gateway.test_worker import METRICS
from tests.unit.wire.kernel import Kernel, read_response, until

from pai.gateway import crew as crew_module
from pai.gateway.crew import Crew, worker_arguments
from pai.wire.tasks import spawn


def children(gateway: Gateway) -> list[int]:
    assert gateway.process is not None
    pid = gateway.process.pid
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return sorted(map(int, text.split()))


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


async def test_a_worker_that_crashes_is_started_again_and_none_is_left(
    kernel: Kernel, tmp_path: Path
) -> None:
    words = ("--workers", "2", "--drain-lead-seconds", "0.5")
    async with far_gateway(kernel, tmp_path, *words) as (control, gateway):
        await gateway.until(LIVE, 200)
        assert await gateway.probe(READY) == 503
        control.publish(1)
        await gateway.until(READY, 200)
        await until(lambda: gateway.log.read_text().count("worker is up") == 2, 20)
        before = children(gateway)
        assert len(before) == 2
        os.kill(before[0], signal.SIGKILL)
        await until(lambda: gateway.log.read_text().count("worker is up") == 3, 20)
        assert await gateway.probe(READY) == 200
        for _ in range(10):
            reader, writer = await gateway.connect(control.authority)
            writer.write(MODELS)
            assert (await read_response(reader))[0].startswith(b"HTTP/1.1 401 ")
        left = children(gateway)
        ending = asyncio.ensure_future(gateway.stop())
        await gateway.until(READY, 503)
        assert await ending == 0
        assert not any(map(is_alive, left))
        assert gateway.log.read_text().count("worker has ended") == 2


async def test_one_answer_has_the_figures_of_the_whole_crew(kernel: Kernel, tmp_path: Path) -> None:
    async with far_gateway(kernel, tmp_path, "--workers", "2") as (control, gateway):
        control.publish(1)
        await until(lambda: gateway.log.exists() and "is up" in gateway.log.read_text(), 20)
        await gateway.until(READY, 200)
        await until(lambda: gateway.log.read_text().count("worker is up") == 2, 20)

        async def workers() -> set[bytes]:
            text = await kernel.ask(gateway.metrics, METRICS)
            return set(re.findall(rb'pai_gateway_active\{worker="(\d)"\}', text))

        async with asyncio.timeout(20):  # each one's snapshot tells it the token
            while await workers() != {b"0", b"1"}:
                await asyncio.sleep(0.05)
        for _ in range(10):
            assert await workers() == {b"0", b"1"}


async def test_workers_end_when_their_crew_is_gone(kernel: Kernel, tmp_path: Path) -> None:
    async with far_gateway(kernel, tmp_path, "--workers", "2") as (_, gateway):
        await until(
            lambda: gateway.log.exists() and gateway.log.read_text().count("is up") == 2, 20
        )
        left = children(gateway)
        assert gateway.process is not None
        gateway.process.kill()
        await gateway.process.wait()
        await until(lambda: not any(map(is_alive, left)), 20)


@pytest.mark.slow
async def test_a_crew_without_a_worker_that_runs_ends_and_says_so(
    kernel: Kernel, tmp_path: Path
) -> None:
    gateway = Gateway(kernel, tmp_path)
    async with far_gateway(kernel, tmp_path) as (control, unused):
        assert unused.process is not None
        await unused.process.wait()  # neither --worker nor --workers
        with contextlib.closing(await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)) as s:
            gateway.plain = s.sockets[0].getsockname()[1]
            await gateway.start(control.bootstrap(tmp_path), "--workers", "1")
            assert gateway.process is not None
            assert await asyncio.wait_for(gateway.process.wait(), 60) == 1
    assert "no gateway worker can run" in gateway.log.read_text()
    assert f"127.0.0.1:{gateway.plain}" in gateway.log.read_text()


async def test_a_worker_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "SILENT_SECONDS", 0.5)
    started: list[Process] = []

    async def start(number: int, status: int) -> Process:
        words = f"import os, time; os.write({status}, b'1'); time.sleep(3600)"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", words, pass_fds=(status,)
        )
        started.append(process)
        return process

    crew = Crew(1, start)
    keeping = spawn(crew.keep(0), "keep")
    await until(lambda: crew.ready, 20)
    await until(lambda: len(started) == 2, 20)
    assert started[0].returncode == -signal.SIGKILL
    await crew.end(5.0)
    assert not crew.ready
    await keeping
    assert started[-1].returncode == -signal.SIGTERM
    assert not crew.broken.is_set()


async def test_one_worker_that_can_not_run_does_not_end_the_others() -> None:
    async def start(number: int, status: int) -> Process:
        words = f"import os, time; os.write({status}, b'1'); time.sleep({3600 * number})"
        return await asyncio.create_subprocess_exec(sys.executable, "-c", words, pass_fds=(status,))

    crew = Crew(2, start)
    keeping = [spawn(crew.keep(number), "keep") for number in range(2)]
    await until(lambda: crew._failures[0] > 2, 20)
    assert crew.ready
    assert not crew.broken.is_set()
    await crew.end(5.0)
    for task in keeping:
        task.cancel()
    await asyncio.gather(*keeping, return_exceptions=True)


def test_a_worker_is_told_what_the_crew_was_told() -> None:
    options = argparse.Namespace(
        bootstrap="/etc/pai/bootstrap.json",
        data=None,
        listen=[("127.0.0.1", 8001)],
        listen_tls=[("0.0.0.0", 8443), ("::", 8443)],
        listen_probes=("0.0.0.0", 8084),
        listen_metrics=("0.0.0.0", 9090),
        sockets="/tmp/pai-gateway-x",
        drain_lead_seconds=5.0,
        drain_seconds=30.0,
    )
    assert " ".join(worker_arguments(options, 1, 7)) == (
        "--bootstrap /etc/pai/bootstrap.json --worker 1 --status-fd 7 --drain-lead-seconds 5.0 "
        "--drain-seconds 30.0 --sockets /tmp/pai-gateway-x --listen 127.0.0.1:8001 "
        "--listen-tls 0.0.0.0:8443 --listen-tls [::]:8443 --listen-metrics 0.0.0.0:9090"
    )
