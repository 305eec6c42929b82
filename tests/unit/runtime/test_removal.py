"""A container that can't be stopped in order is removed all the same."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.engine_api import serve

from pai.reconcile import RemoveContainer
from pai.runtime.containers import execute
from pai.runtime.containers.adapter import ContainerRuntime
from pai.runtime.errors import EngineRefusedError

STOP, REMOVE = ("POST", "/containers/c1/stop"), ("DELETE", "/containers/c1")

Answer = tuple[int, Any] | Callable[[], tuple[int, Any]]


async def calls(path: Path, answers: dict[tuple[str, str], Answer]) -> list[Any]:
    """Remove container c1 of an engine with these answers; return what it was asked."""
    with serve(path) as engine:
        usual = engine.answer

        def answer(method: str, asked: str, query: dict[str, list[str]]) -> tuple[int, Any]:
            told = usual(method, asked, query)
            said = answers.get((method, asked), told)
            return said() if callable(said) else said

        engine.answer = answer  # type: ignore[method-assign, assignment]
        runtime = ContainerRuntime(str(path), "test", lambda *_: b"")
        try:
            await runtime.execute(RemoveContainer("agent", "c1", 10))
        finally:
            await runtime.close()
    return [call for call in engine.calls if call in (STOP, REMOVE)]


@pytest.mark.parametrize("status", [204, 304, 404, 409, 500])
async def test_whatever_comes_of_the_stop_it_is_removed(tmp_path: Path, status: int) -> None:
    refusal = {"message": "container state improper"}
    body = refusal if status >= 400 else None
    assert await calls(tmp_path / "e", {STOP: (status, body)}) == [STOP, REMOVE]


@pytest.mark.parametrize("status", [404, 409])
async def test_what_is_gone_is_gone(tmp_path: Path, status: int) -> None:
    answers: dict[tuple[str, str], Answer] = {REMOVE: (status, {"message": "no such container"})}
    assert await calls(tmp_path / "e", answers) == [STOP, REMOVE]


async def test_a_refused_removal_is_told(tmp_path: Path) -> None:
    answers: dict[tuple[str, str], Answer] = {REMOVE: (500, {"message": "device is busy"})}
    with pytest.raises(EngineRefusedError, match="device is busy"):
        await calls(tmp_path / "e", answers)


async def test_a_stop_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "_STOP_SECONDS", -9.8)
    removed = threading.Event()

    def hang() -> tuple[int, Any]:
        assert removed.wait(30)
        return 204, None

    def remove() -> tuple[int, Any]:
        removed.set()
        return 204, None

    assert await calls(tmp_path / "e", {STOP: hang, REMOVE: remove}) == [STOP, REMOVE]
