import asyncio

from hypothesis import given
from hypothesis import strategies as st

from pai.control.agenda import Agenda
from pai.control.worker import LONGEST_PAUSE_SECONDS, pause_after
from pai.ir.agent import AgentKey

ONE, TWO = AgentKey("default", "one"), AgentKey("default", "two")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def soon(agenda: Agenda) -> AgentKey | None:
    try:
        return await asyncio.wait_for(agenda.next(), 0.02)
    except TimeoutError:
        return None


async def test_the_most_overdue_comes_first_and_once() -> None:
    clock = Clock()
    agenda = Agenda(clock)
    agenda.look_at(ONE, 5)
    agenda.look_at(TWO, 3)
    agenda.look_at(ONE, 9)
    clock.now = 10
    assert [await soon(agenda), await soon(agenda), await soon(agenda)] == [TWO, ONE, None]


async def test_a_wish_during_a_look_is_kept_for_after() -> None:
    agenda = Agenda(Clock())
    agenda.look_at(ONE)
    assert await soon(agenda) == ONE
    agenda.look_at(ONE)
    assert await soon(agenda) is None
    agenda.done(ONE)
    assert await soon(agenda) == ONE


async def test_a_sooner_wish_wakes_who_waits() -> None:
    agenda = Agenda(asyncio.get_running_loop().time)
    agenda.look_at(ONE, 1000)
    waiting = asyncio.ensure_future(agenda.next())
    await asyncio.sleep(0.01)
    agenda.look_at(TWO)
    assert await asyncio.wait_for(waiting, 5) == TWO


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40))
async def test_each_is_due_at_its_soonest_wish(wishes: list[tuple[int, int]]) -> None:
    clock = Clock()
    agenda = Agenda(clock)
    soonest: dict[AgentKey, int] = {}
    for number, after in wishes:
        key = AgentKey("default", str(number))
        agenda.look_at(key, after)
        soonest[key] = min(after, soonest.get(key, after))
    clock.now = 10
    assert agenda.waiting == len(soonest)
    found = [await agenda.next() for _ in soonest]
    assert found == sorted(soonest, key=lambda key: (soonest[key], key))
    assert agenda.waiting == 0


@given(failures=st.integers(1, 1000), jitter=st.floats(0, 1))
def test_pauses_grow_and_end(failures: int, jitter: float) -> None:
    pause = pause_after(failures, jitter)
    assert 0.5 <= pause <= LONGEST_PAUSE_SECONDS
    assert pause <= pause_after(failures + 1, jitter)
