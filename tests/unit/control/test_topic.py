import asyncio

import msgspec

from pai.control.topic import Topic
from pai.ir.snapshot import EdgeSnapshot

EMPTY = EdgeSnapshot(version=0, routes=())
OTHER = msgspec.structs.replace(EMPTY, domain="other.test")


def versions() -> int:
    return 1000


async def test_versions_grow_with_changes_only() -> None:
    topic: Topic[EdgeSnapshot] = Topic(versions)
    assert topic.publish(EMPTY) and topic.version == 1000
    assert not topic.publish(EMPTY) and topic.version == 1000
    assert topic.publish(OTHER) and topic.version == 1001
    found = await topic.newer(0, 1)
    assert found == msgspec.structs.replace(OTHER, version=1001)
    assert await topic.newer(1001, 0.01) is None


async def test_who_waits_is_woken() -> None:
    topic: Topic[EdgeSnapshot] = Topic(versions)
    waiting = [asyncio.ensure_future(topic.newer(0, 10)) for _ in range(3)]
    await asyncio.sleep(0)
    topic.publish(EMPTY)
    assert [found.version for found in await asyncio.gather(*waiting) if found] == [1000] * 3


async def test_a_withdrawn_snapshot_is_not_told() -> None:
    topic: Topic[EdgeSnapshot] = Topic(versions)
    topic.publish(EMPTY)
    topic.withdraw()
    assert await topic.newer(0, 0.01) is None
    assert topic.publish(EMPTY) and topic.version == 1001


async def test_closing_lets_everyone_go() -> None:
    topic: Topic[EdgeSnapshot] = Topic(versions)
    waiting = asyncio.ensure_future(topic.newer(0, 10))
    await asyncio.sleep(0)
    topic.close()
    assert await asyncio.wait_for(waiting, 5) is None
