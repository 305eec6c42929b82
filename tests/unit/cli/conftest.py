"""Commands run in this process, on a home of their own, against a fake control."""

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.platform_api import TOKEN, FakeControl, serve

from pai.cli import contexts
from pai.cli.app import run
from pai.cli.contexts import Context, Contexts


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


Pai = Callable[..., Done]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's directory of its own."""
    monkeypatch.setenv("PAI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PAI_DATA_DIR", raising=False)
    monkeypatch.delenv("PAI_DEBUG", raising=False)
    return tmp_path / "home"


@pytest.fixture
def pai(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Pai:
    """Run one command; stdin: what it reads, which is no terminal."""

    def call(*arguments: str, stdin: str = "") -> Done:
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        monkeypatch.setattr(sys, "stdin", stream)
        capsys.readouterr()
        code = run(list(arguments))
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


@pytest.fixture
def control(home: Path) -> Iterator[FakeControl]:
    """A fake control, in the context that is in use."""
    with serve() as fake:
        known = Contexts().with_context("test", Context(fake.url, TOKEN), use=True)
        contexts.save(home / "config.json", known)
        yield fake
