"""Logs, commands and events, on every runtime."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.contract.runtime.world import Control, World, agent

from pai.errors import NotFoundError
from pai.runtime.protocol import ExecSession, LogChunk

COMMAND = ("sh", "-c", "cat; echo err >&2; exit 7")


async def _all(chunks: AsyncIterator[LogChunk]) -> bytes:
    return b"".join([chunk.data async for chunk in chunks])


async def _said(session: ExecSession) -> dict[str, bytes]:
    said = {"stdout": b"", "stderr": b""}
    while (chunk := await session.read()) is not None:
        said[chunk.channel] += chunk.data
    return said


async def test_logs_are_what_was_written(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    key = control.subject.key
    for _ in range(100):
        text = await _all(control.runtime.logs(key, 0))
        if text == b"one\ntwo\n":
            break
        await control.pause(0.05)
    assert text == b"one\ntwo\n"
    assert await _all(control.runtime.logs(key, 0, tail=1)) == b"two\n"
    assert await _all(control.runtime.logs(key, 0, "prepare")) == b"done\n"


async def test_followed_logs_end_with_the_container(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    name = (await control.observe()).replica(0)["agent"].name
    seen: list[bytes] = []

    async def follow() -> None:
        async for chunk in control.runtime.logs(control.subject.key, 0, follow=True):
            seen.append(chunk.data)

    follower = asyncio.ensure_future(follow())
    while b"two\n" not in b"".join(seen):
        await asyncio.sleep(0.02)
    assert not follower.done()
    await world.kill(name)
    await asyncio.wait_for(follower, 10)
    assert b"".join(seen) == b"one\ntwo\n"


async def test_nobody_has_no_logs_and_runs_no_commands(world: World) -> None:
    runtime = world.runtime()
    with pytest.raises(NotFoundError, match="no agent container of replica 0"):
        await _all(runtime.logs(agent(world).key, 0))
    with pytest.raises(NotFoundError, match="no agent container of replica 0"):
        await runtime.exec(agent(world).key, 0, COMMAND)


async def test_a_command_gets_input_and_gives_output_and_its_end(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    session = await control.runtime.exec(control.subject.key, 0, COMMAND)
    await session.write(b"hello\n")
    await session.write(b"again\n")
    await session.close_stdin()
    assert await _said(session) == {"stdout": b"hello\nagain\n", "stderr": b"err\n"}
    assert await session.exit_code() == 7
    await session.close()


async def test_events_name_the_agent(world: World) -> None:
    control = Control(world, agent(world))
    await control.running()
    events = control.runtime.events()
    assert await asyncio.wait_for(anext(events), 10) is None
    name = (await control.observe()).replica(0)["agent"].name
    await world.kill(name)
    assert await asyncio.wait_for(anext(events), 10) == control.subject.key
    await events.aclose()  # type: ignore[attr-defined]
