"""The desk against a real ledger, with the line to control in between made of memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
from tests.fakes.exchange import exchange_with

from pai.budget.fit import Ask
from pai.budget.line import Refusal
from pai.errors import TransientError
from pai.gateway.desk import Desk, Turned
from pai.ledger import SqliteLedger, handle_leases, handle_settlements
from pai.wire.errors import ClientGone
from pai.wire.feed import ControlLink

A, M = "agent:ns/a", "model:ns/m"


class Line:
    """Answers like control. down: calls fail. loses_answers: leases are granted, then fail."""

    def __init__(self, path: Path) -> None:
        self.ledger = SqliteLedger(path)
        self.limits: dict[str, int | None] = {A: 1_000, M: None}
        self.down = self.loses_answers = False
        self.calls: list[str] = []

    async def post(self, path: str, body: bytes) -> bytes:
        await asyncio.sleep(0)
        self.calls.append(path)
        if self.down:
            raise TransientError("down")
        if path == "leases":
            answer = handle_leases(self.ledger, body, self.limits.__getitem__, time.time())
        else:
            answer = handle_settlements(self.ledger, body, time.time())
        if self.loses_answers and path == "leases":
            raise TransientError("the answer got lost")
        return answer


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    made = Line(tmp_path / "ledger.db")
    yield made
    made.ledger.close()


@pytest.fixture
async def desk(line: Line) -> AsyncIterator[Desk]:
    made = Desk(cast(ControlLink, line), "w1")
    made.wait_seconds = 1.0
    task = asyncio.ensure_future(made.run())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def ask(tokens: int) -> Ask:
    return Ask((tokens // 2,), tokens - tokens // 2, 1, capped=True)


async def test_the_first_request_fetches_a_lease_and_the_next_needs_none(
    desk: Desk, line: Line
) -> None:
    first = await desk.reserve((A, M), ask(20), exchange_with())
    assert line.calls == ["leases"]
    await desk.reserve((A, M), ask(20), exchange_with())
    assert line.calls == ["leases"]
    assert first.fit.tokens == 20
    assert abs(desk.now() - time.time()) < 60


async def test_a_request_waits_for_what_running_ones_hold_and_then_gets_it(
    desk: Desk, line: Line
) -> None:
    first = await desk.reserve((A, M), ask(900), exchange_with())
    second = asyncio.ensure_future(desk.reserve((A, M), ask(900), exchange_with()))
    await asyncio.sleep(0.2)
    assert not second.done()
    desk.settle(first, 50)
    assert (await second).fit.tokens == 900
    assert line.ledger.balance(A, time.time()).spent == 50


async def test_who_waits_too_long_is_told_to_come_back_soon(desk: Desk) -> None:
    await desk.reserve((A, M), ask(900), exchange_with())
    with pytest.raises(Turned) as caught:
        await desk.reserve((A, M), ask(900), exchange_with())
    assert caught.value.refusal is Refusal.BUSY


async def test_what_can_never_fit_today_is_refused_at_once(desk: Desk) -> None:
    with pytest.raises(Turned) as caught:
        await desk.reserve((A, M), Ask((900,), 300, 1, capped=True), exchange_with())
    assert (caught.value.refusal, caught.value.subject) == (Refusal.SPENT, A)


async def test_a_client_that_hangs_up_leaves_the_line(desk: Desk) -> None:
    await desk.reserve((A, M), ask(900), exchange_with())
    waiting = exchange_with()
    request = asyncio.ensure_future(desk.reserve((A, M), ask(900), waiting))
    await asyncio.sleep(0.05)
    assert len(desk.account.line) == 1
    waiting.lose_client()
    with pytest.raises(ClientGone):
        await request
    assert len(desk.account.line) == 0


async def test_a_cancelled_request_leaves_the_line(desk: Desk) -> None:
    await desk.reserve((A, M), ask(900), exchange_with())
    request = asyncio.ensure_future(desk.reserve((A, M), ask(900), exchange_with()))
    await asyncio.sleep(0.05)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert len(desk.account.line) == 0


async def test_an_outage_is_not_taken_for_a_spent_budget(desk: Desk, line: Line) -> None:
    line.down = True
    with pytest.raises(Turned) as caught:
        await desk.reserve((A, M), ask(20), exchange_with())
    assert caught.value.refusal is Refusal.UNAVAILABLE
    assert desk.failures > 0
    line.down = False
    assert await desk.reserve((A, M), ask(20), exchange_with())


async def test_closing_gives_everything_back(desk: Desk, line: Line) -> None:
    held = await desk.reserve((A, M), ask(20), exchange_with())
    desk.settle(held, 7)
    await desk.close(5.0)
    balance = line.ledger.balance(A, time.time())
    assert (balance.spent, balance.charged) == (7, 7)


async def test_settling_twice_counts_once(desk: Desk, line: Line) -> None:
    held = await desk.reserve((A, M), ask(20), exchange_with())
    for _ in range(2):
        desk.settle(held, 7)
    await desk.close(5.0)
    assert line.ledger.balance(A, time.time()).spent == 7


async def test_a_changed_limit_brings_idle_tokens_back(desk: Desk, line: Line) -> None:
    held = await desk.reserve((A, M), ask(20), exchange_with())
    desk.settle(held, 7)
    desk.press([A])
    await asyncio.sleep(0.2)
    assert line.ledger.balance(A, time.time()).charged == 7


async def test_what_a_lost_answer_granted_is_given_back_at_the_end(desk: Desk, line: Line) -> None:
    held = await desk.reserve((A, M), ask(20), exchange_with())
    desk.settle(held, 7)
    line.loses_answers = True
    with pytest.raises(Turned):
        await desk.reserve((A, M), ask(500), exchange_with())
    assert line.ledger.balance(A, time.time()).charged >= 500
    line.loses_answers = False
    await desk.close(5.0)
    assert line.ledger.balance(A, time.time()).charged == 7


async def test_closing_outlasts_a_restart_of_control(desk: Desk, line: Line) -> None:
    held = await desk.reserve((A, M), ask(20), exchange_with())
    desk.settle(held, 7)
    line.down = True
    asyncio.get_running_loop().call_later(0.5, setattr, line, "down", False)
    await desk.close(5.0)
    assert line.ledger.balance(A, time.time()).charged == 7


async def test_who_waits_for_one_budget_holds_up_nobody_with_another(
    desk: Desk, line: Line
) -> None:
    line.limits["agent:ns/b"] = 1_000
    await desk.reserve((A, M), ask(900), exchange_with())
    poor = asyncio.ensure_future(desk.reserve((A, M), ask(900), exchange_with()))
    await asyncio.sleep(0.05)
    assert await desk.reserve(("agent:ns/b", M), ask(20), exchange_with())
    assert not poor.done()
    with pytest.raises(Turned):
        await poor
