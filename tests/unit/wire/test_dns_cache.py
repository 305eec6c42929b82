"""Answers that are kept: for how long, for how many, and in need beyond their time."""

import asyncio

import pytest

from pai.wire.dns import A, Cache, Found, NameRefusedError, Question, ResolveError
from pai.wire.dns import cache as cache_module
from pai.wire.dns.cache import AGAIN_SECONDS

ONE = Question("one.test", A)


class Clock:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Source:
    """Answers as it is told. asked: how often it was."""

    def __init__(self, ttl: float = 60.0) -> None:
        self.answer: Found | Exception = Found(("1.2.3.4",), ttl)
        self.asked = 0

    async def __call__(self, question: Question) -> Found:
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_an_answer_is_asked_for_once_while_it_holds(clock: Clock) -> None:
    cache, source = Cache(now=clock), Source()
    found = await asyncio.gather(*(cache.find(ONE, source) for _ in range(20)))
    assert {one.addresses for one in found} == {("1.2.3.4",)}
    clock.at += 59
    assert (await cache.find(ONE, source)).ttl == 1
    assert (source.asked, cache.pending) == (1, 0)
    clock.at += 1
    assert cache.held(ONE) is None
    await cache.find(ONE, source)
    assert source.asked == 2


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    cache, source = Cache(), Source()
    first, second = (asyncio.ensure_future(cache.find(ONE, source)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).addresses == ("1.2.3.4",)


async def test_an_old_answer_serves_while_asking_fails(clock: Clock) -> None:
    cache, source = Cache(100.0, clock), Source()
    await cache.find(ONE, source)
    source.answer = ResolveError("out of reach")
    clock.at += 61
    for _ in range(5):
        assert await cache.find(ONE, source) == Found(("1.2.3.4",), AGAIN_SECONDS)
    assert source.asked == 2  # and is not asked for again at once
    clock.at += AGAIN_SECONDS
    source.answer = Found(("5.6.7.8",), 60)
    assert (await cache.find(ONE, source)).addresses == ("5.6.7.8",)


async def test_an_old_answer_does_not_serve_for_ever(clock: Clock) -> None:
    cache, source = Cache(100.0, clock), Source()
    await cache.find(ONE, source)
    source.answer = ResolveError("out of reach")
    clock.at += 60
    for _ in range(10):
        await cache.find(ONE, source)
        clock.at += AGAIN_SECONDS
    with pytest.raises(ResolveError, match="out of reach"):
        await cache.find(ONE, source)


async def test_no_old_answer_serves_unless_it_is_wished_for(clock: Clock) -> None:
    cache, source = Cache(now=clock), Source()
    await cache.find(ONE, source)
    source.answer = ResolveError("out of reach")
    clock.at += 61
    with pytest.raises(ResolveError):
        await cache.find(ONE, source)


async def test_that_there_is_no_such_name_does_not_outlive_its_time(clock: Clock) -> None:
    cache, source = Cache(100.0, clock), Source()
    source.answer = Found((), 10)
    await cache.find(ONE, source)
    source.answer = ResolveError("out of reach")
    clock.at += 11
    with pytest.raises(ResolveError):
        await cache.find(ONE, source)


async def test_what_is_refused_is_forgotten(clock: Clock) -> None:
    cache, source = Cache(100.0, clock), Source()
    await cache.find(ONE, source)
    clock.at += 61
    for answer in (NameRefusedError("not yours"), ResolveError("out of reach")):
        source.answer = answer
        with pytest.raises(ResolveError, match=answer.message):
            await cache.find(ONE, source)


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "CACHE_NAMES", 3)
    cache, source = Cache(), Source()
    for number in range(10):
        await cache.find(Question(f"n{number}.test", A), source)
        await cache.find(Question(f"n{number}.test", A), source)
    assert [question.name for question in cache._entries] == ["n7.test", "n8.test", "n9.test"]
    assert source.asked == 10
