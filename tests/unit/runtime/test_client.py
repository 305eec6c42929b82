"""What is asked of an engine before anything else."""

import asyncio
from pathlib import Path

from tests.fakes.engine_api import serve

from pai.runtime.containers.client import EngineClient


async def test_an_engine_is_asked_once_what_it_is(tmp_path: Path) -> None:
    with serve(tmp_path / "s") as engine:
        client = EngineClient(str(engine.path))
        await asyncio.gather(*(client.find("/images/x/json") for _ in range(5)))
        await client.close()
    assert engine.calls.count(("GET", "/version")) == 1
    assert len(engine.calls) == 6
