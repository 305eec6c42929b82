"""Budgets for real: two worker processes, 200 concurrent calls, hang-ups, and one kill -9.

At every answer of the ledger its figure is at least what the vendor has billed by then, and never
above the limit.
"""

import asyncio
import json
import random
import signal
from collections import Counter
from pathlib import Path

import httpx
import pytest
from tests.e2e.gateway_stage import (
    AGENT,
    MODEL,
    TOKEN,
    Control,
    Stage,
    Vendor,
    binding,
    snapshot,
    stage,
)

from pai.ir.agent import Limits
from pai.ir.snapshot import GatewaySnapshot
from pai.wire.exchange import Exchange

CALLS = 200
HEADERS = {"authorization": f"Bearer {TOKEN}"}


class Watch:
    """Compares ledger and vendor after everything that the ledger says."""

    def __init__(self, world: Stage, subject: str, limit: int) -> None:
        self._world, self._subject, self._limit = world, subject, limit
        self.faults: list[str] = []
        self.looks = 0
        self._answer = world.control.answer
        world.control.answer = self.answer  # type: ignore[method-assign]

    async def answer(self, exchange: Exchange) -> None:
        await self._answer(exchange)
        if not exchange.client_gone:
            self.look()

    def look(self) -> None:
        self.looks += 1
        control: Control = self._world.control
        charged = control.ledger.balance(self._subject, control.now()).charged
        billed = self._world.vendor.billed.total()
        if not billed <= charged <= self._limit:
            self.faults.append(f"billed {billed}, charged {charged}, limit {self._limit}")


async def call(http: httpx.AsyncClient, url: str, chance: random.Random, ratio: float) -> str:
    """Make one call, perhaps hang up within it; return how it ended."""
    script = {"tokens": chance.randint(1, 60), "pause": 0.01, "ratio": ratio}
    body = {
        "model": "main",
        "messages": [{"role": "user", "content": json.dumps(script)}],
        "stream": chance.random() < 0.5,
    }
    if chance.random() < 0.9:
        body["max_tokens"] = chance.randint(20, 100)
    patience = chance.random() if chance.random() < 0.3 else 60.0
    try:
        async with asyncio.timeout(patience):
            answer = await http.post(url, json=body, headers=HEADERS)
            return str(answer.status_code)
    except TimeoutError:
        return "hung up"
    except httpx.TransportError:
        return "worker gone"


async def storm(world: Stage, seed: int, ratio: float, *, kill: bool) -> Counter[str]:
    """Make all calls at once; return how many ended in which way."""
    chance = random.Random(seed)
    tasks = []
    async with clients() as http:
        for number in range(CALLS):
            url = world.url + "/chat/completions"
            tasks.append(asyncio.ensure_future(call(http, url, chance, ratio)))
            await asyncio.sleep(0.01)
            if kill and number == CALLS // 2:
                await world.stop_worker(0, signal.SIGKILL)
        return Counter(await asyncio.gather(*tasks))


def clients() -> httpx.AsyncClient:
    """Return a client that opens a connection for each call: the kernel spreads them."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncClient(timeout=90, limits=limits, verify=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by_model", "mode", "ratio"),
    [(False, "refuse", 1.0), (False, "learn", 0.4), (True, "learn", 0.4)],
)
async def test_the_vendors_count_never_passes_the_limit(
    tmp_path: Path, by_model: bool, mode: str, ratio: float
) -> None:
    limit = 12_000

    def small(vendor: Vendor) -> GatewaySnapshot:
        limits = Limits(limit, None)
        model = binding(vendor, limits=limits if by_model else Limits())
        return snapshot(
            vendor,
            agent_limits=Limits() if by_model else limits,
            bindings=(model,),
            wait_seconds=10.0,
            uncounted_input=mode,
        )

    async with stage(tmp_path, small, workers=2) as world:
        watch = Watch(world, MODEL if by_model else AGENT, limit)
        ends = await storm(world, seed=7, ratio=ratio, kill=True)
        await asyncio.sleep(0.1)  # the vendor notices that its last clients are gone
        watch.look()
        await world.stop_worker(1)
        watch.look()
        assert watch.faults == []
        assert watch.looks > 10
        assert set(ends) <= {"200", "429", "hung up", "worker gone"}, ends
        assert ends["200"] > 10, ends
        assert ends["hung up"] > 10, ends
        [usage] = world.control.ledger.usage()
        assert usage.estimated > 0  # some hung up while the vendor was at work
        balance = world.control.ledger.balance(
            MODEL if by_model else AGENT, world.control.now() + 120
        )
        assert balance.reserved == 0
        assert world.vendor.billed.total() <= balance.charged <= limit


@pytest.mark.slow
async def test_a_busy_agent_uses_its_whole_budget(tmp_path: Path) -> None:
    """Without hang-ups and kills, what is refused at the end would not have fitted."""
    limit = 12_000

    def small(vendor: Vendor) -> GatewaySnapshot:
        return snapshot(vendor, agent_limits=Limits(limit, None))

    async with stage(tmp_path, small, workers=2) as world:
        watch = Watch(world, AGENT, limit)
        body = {
            "model": "main",
            "messages": [{"role": "user", "content": json.dumps({"tokens": 40, "pause": 0.001})}],
            "max_tokens": 50,
        }
        async with clients() as http:
            url = world.url + "/chat/completions"
            calls = (http.post(url, json=body, headers=HEADERS) for _ in range(CALLS + 100))
            answers = await asyncio.gather(*calls)
        for number in (0, 1):
            await world.stop_worker(number)
        watch.look()
        assert watch.faults == []
        ends = Counter(answer.status_code for answer in answers)
        assert set(ends) == {200, 429}
        balance = world.control.ledger.balance(AGENT, world.control.now())
        assert balance.charged == balance.spent == world.vendor.billed.total()
        assert balance.spent >= limit - 400, (balance, ends)


@pytest.mark.slow
async def test_a_restart_of_control_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    limit = 12_000

    def small(vendor: Vendor) -> GatewaySnapshot:
        return snapshot(vendor, agent_limits=Limits(limit, None), wait_seconds=10.0)

    async with stage(tmp_path, small, workers=2) as world:
        watch = Watch(world, AGENT, limit)
        running = asyncio.ensure_future(storm(world, seed=11, ratio=0.4, kill=False))
        for _ in range(5):
            await asyncio.sleep(0.3)
            world.control.fails = True
            await asyncio.sleep(0.3)
            world.control.fails = False
        await running
        for number in (0, 1):
            await world.stop_worker(number)
        watch.look()
        assert watch.faults == []
        balance = world.control.ledger.balance(AGENT, world.control.now())
        assert balance.charged == balance.spent >= world.vendor.billed.total()
