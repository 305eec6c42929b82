import asyncio

import pytest
from tests.fakes.exchange import exchange_with

from pai.gateway.gate import Gate
from pai.wire.errors import ClientGone


async def test_there_is_room_for_as_many_as_the_limit_says() -> None:
    gate = Gate(2)
    assert gate.try_enter()
    assert gate.try_enter()
    assert not gate.try_enter()
    gate.leave()
    assert gate.try_enter()


async def test_who_waits_enters_in_order() -> None:
    gate, order = Gate(1), []
    assert gate.try_enter()

    async def one(name: int) -> None:
        assert await gate.enter(exchange_with(), 5)
        order.append(name)

    tasks = [asyncio.ensure_future(one(name)) for name in range(3)]
    await asyncio.sleep(0)
    for _ in range(3):
        gate.leave()
        await asyncio.sleep(0)
        assert not gate.try_enter(), "whoever waits comes first"
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]


async def test_waiting_has_an_end() -> None:
    gate = Gate(0)
    assert not await gate.enter(exchange_with(), 0.01)
    gate.set_limit(1)
    assert gate.try_enter(), "nobody is left in line"


async def test_a_client_that_goes_leaves_the_line() -> None:
    gate, client = Gate(0), exchange_with()
    waiting = asyncio.ensure_future(gate.enter(client, 5))
    await asyncio.sleep(0)
    client.lose_client()
    with pytest.raises(ClientGone):
        await waiting
    gate.set_limit(1)
    assert gate.try_enter()


async def test_a_cancelled_one_gives_its_place_back() -> None:
    gate = Gate(0)
    waiting = asyncio.ensure_future(gate.enter(exchange_with(), 5))
    await asyncio.sleep(0)
    gate.set_limit(1)  # admitted, but it has not run yet
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert gate.try_enter()


async def test_a_higher_limit_lets_those_in_who_wait() -> None:
    gate = Gate(0)
    waiting = [asyncio.ensure_future(gate.enter(exchange_with(), 5)) for _ in range(2)]
    await asyncio.sleep(0)
    gate.set_limit(None)
    assert await asyncio.gather(*waiting) == [True, True]
    assert gate.limit is None
