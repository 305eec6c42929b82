"""Fifty gateway workers in virtual time: real desks and a real ledger, a network that fails.

Random, yet the same for the same seed. Workers crash, are cut off or end well, calls to control get
lost, come twice or long after, control restarts, two controls disagree about the time, and midnight
falls into it. Clients hang up; the vendor counts, at its end and for some requests, when the bound
does not fit, before: late, a little wrong, or not at all.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

from pai.budget.book import Reservation
from pai.budget.fit import Ask
from pai.budget.interrupted import Seen, interrupted
from pai.budget.line import Refusal
from pai.budget.price import Tokens
from pai.errors import TransientError
from pai.gateway.asked import Counted
from pai.gateway.count_limits import COUNTED, FAILED, LIMITED, REFUSED
from pai.gateway.desk import Desk, Turned
from pai.gateway.exact_count import margin, reserve_counting
from pai.ledger import SqliteLedger, handle_leases, handle_settlements
from pai.wire.errors import ClientGone
from pai.wire.exchange import Exchange
from pai.wire.feed import ControlLink

START = 1_767_311_850.0  # 2026-01-01, two and a half minutes before midnight
SECONDS = 300.0
CONTROL_SKEWS = (0.9, -0.7)
WAIT_SECONDS = 30.0
AGENTS = {f"agent:ns/a{n}": 20_000 + 20_000 * n if n < 5 else 400_000 for n in range(10)}
MODELS: dict[str, int | None] = {"model:ns/m0": None, "model:ns/m1": 400_000, "model:ns/m2": None}
SAYS_INPUT_FIRST = ("model:ns/m0", "model:ns/m1")  # as Anthropic and Gemini do
LIMITS: dict[str, int | None] = {**AGENTS, **MODELS}
Key = tuple[str, str]


@dataclass
class Figures:
    """What a run came to. Tokens, unless it says otherwise."""

    requests: int = 0
    served: int = 0
    busy: int = 0
    spent: int = 0
    unavailable: int = 0
    uncounted: int = 0
    counts: int = 0
    hung_up: int = 0
    crashes: int = 0
    calls: int = 0
    lost: int = 0
    late: int = 0
    checks: int = 0
    overshoot: int = 0
    forgotten: int = 0
    charged: int = 0
    billed: int = 0
    held_by_the_dead: int = 0
    unseen_by_hang_ups: int = 0
    left_by_the_living: int = 0
    charged_of_spent_budgets_percent: float = 100.0
    billed_of_spent_budgets_percent: float = 100.0
    longest_wait_seconds: float = 0.0

    def lines(self) -> list[str]:
        """Format one figure a line."""
        return [f"{name.replace('_', ' '):34}{value:>12,}" for name, value in asdict(self).items()]


class Client:
    """An exchange as far as the desk looks at it."""

    def on_client_gone(self, callback: Callable[[], None]) -> None:
        """Never calls: who waits, waits to the end."""


@dataclass(eq=False)
class Worker:
    """One process."""

    desk: Desk
    task: asyncio.Task[None]
    link: "Link"
    requests: dict[asyncio.Task[None], None] = field(default_factory=dict)  # in order, unlike a set


class Link:
    """A worker's line to control, which fails in every way that a network knows.

    cut_until: it reaches nobody before that.
    """

    def __init__(self, world: "World", chance: random.Random) -> None:
        self._world, self._chance = world, chance
        self.cut_until = 0.0

    async def post(self, path: str, body: bytes) -> bytes:
        """Carry one call."""
        world, chance = self._world, self._chance
        world.figures.calls += 1
        await asyncio.sleep(chance.uniform(0.001, 0.02))
        now = asyncio.get_running_loop().time()
        if now < max(self.cut_until, world.down_until):
            if chance.random() < 0.5:
                raise TransientError("out of reach")
            await asyncio.sleep(60)
        fate = chance.random()
        if fate < 0.01:
            world.figures.lost += 1
            if chance.random() < 0.5:
                world.answer(path, body)
            raise TransientError("the answer got lost")
        if fate < 0.015:
            asyncio.get_running_loop().call_later(chance.uniform(6, 20), world.late, path, body)
            await asyncio.sleep(60)
        answer = world.answer(path, body)
        if fate < 0.03:
            answer = world.answer(path, body)
        await asyncio.sleep(chance.uniform(0.001, 0.02))
        return answer


class World:
    """See the module. seed: all chance comes from it. counting: part of requests that are counted
    before, where their bound does not fit.
    """

    def __init__(self, seed: int, workers: int, requests: int, counting: float) -> None:
        self._chance = random.Random(seed)
        self._counting = counting
        self._count, self._requests = workers, requests
        self.ledger = SqliteLedger(Path(":memory:"))
        self.figures = Figures(requests=requests)
        self.down_until = 0.0
        self.billed: Counter[Key] = Counter()
        self._short: set[Key] = set()
        self._workers: list[Worker] = []
        self._dead: list[str] = []
        self._started = 0

    # Control

    def now(self) -> float:
        return START + asyncio.get_running_loop().time()

    def answer(self, path: str, body: bytes) -> bytes:
        """Answer as one of two controls, and check the laws."""
        now = self.now() + self._chance.choice(CONTROL_SKEWS)
        if path == "leases":
            answer = handle_leases(self.ledger, body, LIMITS.__getitem__, now)
        else:
            answer = handle_settlements(self.ledger, body, now)
        if self.figures.calls % 3 == 0:
            self.check()
        return answer

    def late(self, path: str, body: bytes) -> None:
        """Do what somebody asked for long ago and has given up."""
        self.figures.late += 1
        self.answer(path, body)

    def charged(self) -> dict[Key, int]:
        with self.ledger._reading() as db:
            rows = db.execute("SELECT subject, day, charged FROM subject_day").fetchall()
        return {(subject, day): charged for subject, day, charged in rows}

    def check(self) -> None:
        """Compare vendor, ledger and limits at this moment."""
        found = self.charged()
        figures = self.figures
        figures.checks += 1
        for key, tokens in found.items():
            limit = LIMITS[key[0]]
            if limit is not None and tokens > limit:
                figures.overshoot = max(figures.overshoot, tokens - limit)
        for key, tokens in self.billed.items():
            figures.forgotten = max(figures.forgotten, tokens - found.get(key, 0))

    # Workers

    def start_worker(self) -> None:
        link = Link(self, random.Random(self._chance.random()))
        wrong = self._chance.uniform(-3600, 3600)
        self._started += 1
        desk = Desk(cast(ControlLink, link), f"w{self._started}", lambda: self.now() + wrong)
        desk.wait_seconds = WAIT_SECONDS
        self._workers.append(Worker(desk, asyncio.ensure_future(desk.run()), link))

    async def crash(self, worker: Worker) -> None:
        """End at once. What was at the vendor then is billed to its end, or stops."""
        self.figures.crashes += 1
        self._workers.remove(worker)
        self._dead.append(worker.desk.account.worker)
        worker.task.cancel()
        for task in tuple(worker.requests):
            task.cancel()
        await asyncio.gather(worker.task, *worker.requests, return_exceptions=True)
        self.start_worker()

    async def end_well(self, worker: Worker) -> None:
        """Drain: no new requests, then everything is told."""
        if worker in self._workers:
            self._workers.remove(worker)
        await asyncio.gather(*worker.requests, return_exceptions=True)
        worker.task.cancel()
        with suppress(asyncio.CancelledError):
            await worker.task
        await worker.desk.close(30.0)

    async def harm(self) -> None:
        """Make trouble until cancelled."""
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / 6.0))
            kind = self._chance.random()
            worker = self._chance.choice(self._workers)
            now = asyncio.get_running_loop().time()
            if kind < 0.25:
                await self.crash(worker)
            elif kind < 0.35:
                self.start_worker()
                asyncio.ensure_future(self.end_well(worker))  # noqa: RUF006
            elif kind < 0.9:
                worker.link.cut_until = now + self._chance.uniform(0.5, 20.0)
            else:
                self.down_until = now + self._chance.uniform(0.5, 4.0)

    # Requests

    async def request(self, worker: Worker) -> None:
        chance = self._chance
        subjects = (chance.choice(list(AGENTS)), chance.choice(list(MODELS)))
        bound, cap = chance.randint(50, 400), chance.choice([50, 200, 200, 1_000])
        began = asyncio.get_running_loop().time()
        ask = Ask((bound * 2, bound), cap, 1, capped=chance.random() < 0.7)
        counted = self._counting > 0 and chance.random() < self._counting
        tokens = chance.randint(bound // 2, bound) if counted else 0
        client = cast(Exchange, Client())
        try:
            if counted:
                held = await reserve_counting(
                    worker.desk, subjects, ask, client, lambda: self.count(tokens)
                )
            else:
                held = await worker.desk.reserve(subjects, ask, client)
        except Turned as turned:
            self._note_turned(turned, worker)
            return
        except ClientGone:
            return
        waited = asyncio.get_running_loop().time() - began
        self.figures.longest_wait_seconds = max(self.figures.longest_wait_seconds, round(waited, 2))
        await self.at_the_vendor(worker, held, tokens or chance.randint(bound // 2, bound))

    async def count(self, tokens: int) -> Counted:
        """Count as a vendor does that is slow at times, and wrong by no more than the margin."""
        chance = self._chance
        self.figures.counts += 1
        await asyncio.sleep(chance.choice([0.1, 0.3, 5.0]))
        if chance.random() < 0.2:
            return Counted("ns/m", chance.choice([FAILED, LIMITED, REFUSED]))
        said = max(1, tokens - chance.randint(0, min(60, tokens // 4)))
        return Counted("ns/m", COUNTED, said, said + margin(said))

    def _note_turned(self, turned: Turned, worker: Worker) -> None:
        name = turned.refusal.value
        setattr(self.figures, name, getattr(self.figures, name) + 1)
        if turned.refusal is Refusal.SPENT:
            day = self.ledger.balance(turned.subject, worker.desk.now()).day
            self._short.add((turned.subject, day))

    async def at_the_vendor(self, worker: Worker, held: Reservation, tokens: int) -> None:
        """Be billed bit by bit; the client may hang up at any moment."""
        chance = self._chance
        wanted = chance.randint(1, held.fit.cap)
        output = 0
        self.bill(held, tokens)
        hang_up_at = chance.randint(0, wanted) if chance.random() < 0.08 else None
        try:
            while output < wanted and (hang_up_at is None or output < hang_up_at):
                part = min(wanted - output, 40)
                await asyncio.sleep(part * 0.01)
                output += part
                self.bill(held, part)
        except asyncio.CancelledError:
            if chance.random() < 0.5:  # this vendor does not look whether anybody listens
                self.bill(held, held.fit.cap - output)
            raise
        self.figures.served += 1
        if hang_up_at is None:
            worker.desk.settle(held, tokens + output)
        else:
            unseen = min(chance.randint(0, 200), held.fit.cap - output)
            self.bill(held, unseen)
            known = Tokens(tokens) if held.keys[1][0] in SAYS_INPUT_FIRST else None
            used = interrupted(held.fit, Seen(4 * output, 0.0), known).total
            worker.desk.settle(held, used)
            self.figures.hung_up += 1
            self.figures.unseen_by_hang_ups += used - (tokens + output + unseen)

    def bill(self, held: Reservation, tokens: int) -> None:
        for key in held.keys:
            self.billed[key] += tokens

    # The run

    async def run(self) -> Figures:
        """Do all of it, drain, and count."""
        for _ in range(self._count):
            self.start_worker()
        harm = asyncio.ensure_future(self.harm())
        for _ in range(self._requests):
            await asyncio.sleep(self._chance.expovariate(self._requests / SECONDS))
            worker = self._chance.choice(self._workers)
            task = asyncio.ensure_future(self.request(worker))
            worker.requests[task] = None
            task.add_done_callback(worker.requests.pop)
        harm.cancel()
        await asyncio.sleep(WAIT_SECONDS)  # what was late has come
        await asyncio.gather(*(self.end_well(worker) for worker in tuple(self._workers)))
        self.check()
        return self._counted()

    def _counted(self) -> Figures:
        figures = self.figures
        with self.ledger._reading() as db:
            rows = db.execute(
                "SELECT worker, SUM(granted + overdraft - returned - spent) FROM lease"
                " WHERE subject LIKE 'agent:%' GROUP BY worker"
            ).fetchall()
        held = dict(rows)
        charged = self.charged()
        figures.held_by_the_dead = sum(held.get(name, 0) for name in self._dead)
        figures.left_by_the_living = sum(held.values()) - figures.held_by_the_dead
        figures.charged = sum(n for (subject, _), n in charged.items() if subject in AGENTS)
        figures.billed = sum(n for (subject, _), n in self.billed.items() if subject in AGENTS)
        limits = sum(LIMITS[subject] or 0 for subject, _ in self._short)
        if limits:
            parts = [sum(each[key] for key in self._short) for each in (charged, self.billed)]
            figures.charged_of_spent_budgets_percent = round(100 * parts[0] / limits, 2)
            figures.billed_of_spent_budgets_percent = round(100 * parts[1] / limits, 2)
        return figures


async def simulate(
    seed: int, workers: int = 50, requests: int = 10_000, counting: float = 0.0
) -> Figures:
    """Run one world."""
    before = random.getstate()
    random.seed(seed)  # the desks' own jitter
    world = World(seed, workers, requests, counting)
    try:
        return await world.run()
    finally:
        world.ledger.close()
        random.setstate(before)
