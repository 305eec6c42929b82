"""Controls and their database are killed while workers spend; nothing is lost, no limit passed."""

import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from tests.fakes.gateway_worker import GatewayWorker
from tests.fakes.ledger_control import AGENT, DAY, LIMITS, MODEL, NOW
from tests.postgres_fixture import PostgresServer
from tests.run_code import CODE

from pai.errors import TransientError
from pai.ir.ledger import LeaseAnswer, LeaseCall, SettleAnswer, SettleCall
from pai.ledger import Ledger
from pai.ledger.postgres import PostgresLedger

ROOT = Path(__file__).parents[2]
STORM_SECONDS = 8.0
SUBJECTS = (AGENT, MODEL)
T = TypeVar("T")
Answer = TypeVar("Answer", LeaseAnswer, SettleAnswer)


class Control:
    """A process with a ledger, which can be killed and started again. Calls to it may get lost."""

    def __init__(self, source: str, path: Path) -> None:
        self._source, self._path = source, path
        self.start()

    def start(self) -> None:
        self._path.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.fakes.ledger_control", self._source]
        self._process = subprocess.Popen(
            [*command, str(self._path)], cwd=ROOT, env={"PYTHONPATH": f"{CODE}:."}
        )

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def died(self) -> bool:
        return self._process.poll() is not None

    def call(self, name: str, body: bytes) -> bytes | None:
        with socket.socket(socket.AF_UNIX) as door, suppress(OSError):
            door.connect(str(self._path))
            door.sendall(name.encode() + b" " + body + b"\n")
            line = door.makefile("rb").readline()
            return line.strip() or None
        return None


def calls_of(
    controls: list[Control], seed: int
) -> tuple[Callable[[LeaseCall], LeaseAnswer | None], Callable[[SettleCall], SettleAnswer | None]]:
    """Return a worker's two calls: each goes to any of the controls."""
    chance = random.Random(seed)

    def send(name: str, call: LeaseCall | SettleCall, kind: type[Answer]) -> Answer | None:
        answer = chance.choice(controls).call(name, msgspec.json.encode(call))
        if answer is None:
            time.sleep(0.005)
            return None
        return msgspec.json.decode(answer, type=kind)

    return (
        lambda call: send("leases", call, LeaseAnswer),
        lambda call: send("settlements", call, SettleAnswer),
    )


@contextmanager
def working(workers: list[GatewayWorker]) -> Iterator[threading.Event]:
    """Let the workers spend on threads until the block ends; then each tells all it has."""
    stop = threading.Event()
    faults: list[BaseException] = []

    def work(worker: GatewayWorker) -> None:
        try:
            while not stop.is_set():
                worker.request(SUBJECTS, DAY)
            worker.finish(DAY)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert faults == []


def charged(ledger: PostgresLedger) -> dict[str, int]:
    with ledger._reading() as db:
        return dict(db.execute("SELECT subject, charged FROM subject_day").fetchall())


def within_limits(ledger: PostgresLedger) -> bool:
    found = charged(ledger)
    return all(limit is None or found.get(each, 0) <= limit for each, limit in LIMITS.items())


def check_all_is_told(ledger: PostgresLedger, workers: list[GatewayWorker]) -> None:
    """What the workers spent is what the ledger says; what else it holds are leases."""
    spent = sum((worker.spent for worker in workers), Counter[tuple[str, str]]())
    for subject in SUBJECTS:
        balance = ledger.balance(subject, NOW)
        assert balance.spent == spent[subject, DAY]
        with ledger._reading() as db:
            query = "SELECT SUM(granted + overdraft - returned) FROM lease WHERE subject = ?"
            [held] = db.execute(query, (subject,)).fetchone()
        assert balance.charged == held
    [usage] = ledger.usage()
    assert usage.requests == sum(worker.requests for worker in workers)
    assert usage.input == spent[AGENT, DAY]


@pytest.mark.timeout(120)
def test_two_controls_are_killed_under_four_workers(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.new_database()
    (tmp_path / "url").write_text(url)
    controls = [Control(f"file:{tmp_path}/url", tmp_path / f"{number}") for number in range(2)]
    watching = PostgresLedger(url)
    chance = random.Random(20260501)
    workers = [GatewayWorker(f"w{n}", n, *calls_of(controls, n)) for n in range(4)]
    deaths = 0
    try:
        with working(workers):
            end = time.monotonic() + STORM_SECONDS
            while deaths < 8 or time.monotonic() < end:
                assert within_limits(watching)
                if chance.random() < 0.004:
                    chance.choice(controls).kill()
                for control in controls:
                    if control.died():
                        deaths += 1
                        control.start()
        assert within_limits(watching)
        check_all_is_told(watching, workers)
        assert sum(worker.requests for worker in workers) > 200
    finally:
        for control in controls:
            control.kill()
        watching.close()


def lossy(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except TransientError:
        time.sleep(0.02)
        return None


def worker_of(ledger: Ledger, name: str, seed: int) -> GatewayWorker:
    def grant(call: LeaseCall) -> LeaseAnswer | None:
        return lossy(lambda: ledger.grant(call, LIMITS.__getitem__, NOW))

    def settle(call: SettleCall) -> SettleAnswer | None:
        return lossy(lambda: ledger.settle(call, NOW))

    return GatewayWorker(name, seed, grant, settle)


@pytest.mark.timeout(120)
def test_the_server_is_killed_in_the_middle_of_calls(durable_postgres: PostgresServer) -> None:
    """It syncs to disk: what it acknowledged is there again, and controls come back."""
    server = durable_postgres
    url = server.new_database()
    ledgers = [PostgresLedger(url), PostgresLedger(url)]
    chance = random.Random(20260502)
    workers = [worker_of(ledgers[number % 2], f"w{number}", number) for number in range(4)]
    with working(workers):
        for _ in range(4):
            time.sleep(chance.uniform(0.1, 0.6))
            server.crash()
            acknowledged = sum((each.acknowledged for each in workers), Counter[tuple[str, str]]())
            server.start()
            again = PostgresLedger(url)
            assert within_limits(again)
            for subject in SUBJECTS:
                assert again.balance(subject, NOW).spent >= acknowledged[subject, DAY]
            again.close()
    assert within_limits(ledgers[0])
    check_all_is_told(ledgers[0], workers)
    assert all(worker.requests for worker in workers)
    for ledger in ledgers:
        ledger.close()
