"""`world`: the fake, then every engine named in PAI_TEST_ENGINES."""

import os
from collections.abc import AsyncIterator

import pytest
from tests.contract.runtime.world import EngineWorld, FakeWorld, World
from tests.engine_fixture import VARIABLE, WAY_OUT, named_engines

NO_ENGINE = "no-engine"


def _engines() -> list[tuple[str, str]]:
    return named_engines(os.environ.get(VARIABLE, "")) or [(NO_ENGINE, "")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    real = [pytest.param(url, id=name, marks=pytest.mark.engine) for name, url in _engines()]
    if "world" in metafunc.fixturenames:
        metafunc.parametrize("world", [pytest.param("fake", id="fake"), *real], indirect=True)
    if "engine_world" in metafunc.fixturenames:
        metafunc.parametrize("engine_world", real, indirect=True)


@pytest.fixture
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """An engine, and everything of the test removed from it afterwards."""
    if request.param == "fake":
        yield FakeWorld()
        return
    if not request.param:
        pytest.fail(WAY_OUT, pytrace=False)
    made = EngineWorld(request.param)
    try:
        yield made
    finally:
        await made.clean()


@pytest.fixture
async def engine_world(request: pytest.FixtureRequest) -> AsyncIterator[EngineWorld]:
    """A real engine only."""
    if not request.param:
        pytest.fail(WAY_OUT, pytrace=False)
    made = EngineWorld(request.param)
    try:
        yield made
    finally:
        await made.clean()
