"""An engine that can't tell a container's last line holds nothing up."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.engine_api import serve

from pai.ir.agent import AgentKey
from pai.render import labels
from pai.runtime.containers import adapter
from pai.runtime.containers.adapter import ContainerRuntime

KEY = AgentKey("default", "quiet")
MARKS = {
    **labels.agent_labels("test", KEY),
    labels.REPLICA: "0",
    labels.STEP: "seed",
}
ENDED: dict[str, Any] = {
    "Id": "c1",
    "Name": "/seed",
    "Config": {"Labels": MARKS},
    "State": {
        "Status": "exited",
        "StartedAt": "2026-01-01T00:00:00Z",
        "FinishedAt": "2026-01-01T00:00:01Z",
        "ExitCode": 3,
    },
}


async def last_line(path: Path, logs: Callable[[], tuple[int, Any]]) -> str:
    """Return what is observed of a container whose log is answered by `logs`."""
    with serve(path) as engine:
        usual = engine.answer

        def answer(method: str, asked: str, query: dict[str, list[str]]) -> tuple[int, Any]:
            if asked == "/containers/json":
                return 200, [{"Id": "c1", "Labels": MARKS}]
            if asked == "/containers/c1/json":
                return 200, ENDED
            return logs() if asked == "/containers/c1/logs" else usual(method, asked, query)

        engine.answer = answer  # type: ignore[method-assign, assignment]
        runtime = ContainerRuntime(str(path), "test", lambda *_: b"")
        try:
            [found] = (await runtime.observe(KEY)).containers
        finally:
            await runtime.close()
    assert found.exit_code == 3
    return found.last_log


async def test_a_log_that_never_ends_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "_LAST_LINE_SECONDS", 0.1)
    over = threading.Event()

    def hang() -> tuple[int, Any]:
        over.wait(20)
        return 200, None

    threading.Timer(1.0, over.set).start()
    assert await last_line(tmp_path / "e", hang) == ""
    over.set()


async def test_a_log_that_is_refused_is_left(tmp_path: Path) -> None:
    refusal = (409, {"message": "can not get logs from container which is dead"})
    assert await last_line(tmp_path / "e", lambda: refusal) == ""
