"""These tests run on the loop that the data plane runs on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import pytest_asyncio
import uvloop
from tests.unit.wire.kernel import Kernel


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture
async def kernel() -> AsyncIterator[Kernel]:
    """Servers, pools and raw peers that are closed when the test ends."""
    kernel = Kernel()
    yield kernel
    await kernel.close()
