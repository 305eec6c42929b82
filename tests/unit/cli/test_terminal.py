import io
import sys

import pytest

from pai.cli import terminal
from pai.cli.failures import CommandError


class Terminal(io.StringIO):
    """Text written to a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "stream", "on"),
    [
        ({}, Terminal(), True),
        ({}, io.StringIO(), False),
        ({"NO_COLOR": "1"}, Terminal(), False),
        ({"NO_COLOR": ""}, Terminal(), True),
        ({"TERM": "dumb"}, Terminal(), False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    variables: dict[str, str], stream: io.StringIO, on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.paint(stream).on is on


def test_an_agent_can_not_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    terminal.stream_out(["fine\n", "\x1b]0;owned\x07\x1b[2J", "more\n"])
    assert stream.getvalue() == "fine\nmore\n"


def test_an_escape_cut_in_two_does_not_reach_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    terminal.stream_out(["a\x1b", "[2Jb\n"])
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("typed", "value"),
    [("x\n", "x"), ("x", "x"), ("x\r\n", "x"), ("a\nb\n", "a\nb"), (" x ", " x ")],
)
def test_a_secret_from_a_pipe(typed: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert terminal.read_secret("key") == value


@pytest.mark.parametrize("typed", ["", "\n"])
def test_an_empty_secret_is_refused(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    with pytest.raises(CommandError, match="no value was given"):
        terminal.read_secret("key")


def test_a_secret_is_not_echoed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys, "stdin", Terminal())

    def getpass(prompt: str, stream: object) -> str:
        asked.append(prompt)
        assert stream is sys.stderr
        return "typed"

    monkeypatch.setattr("getpass.getpass", getpass)
    assert terminal.read_secret("key") == "typed"
    assert asked == ["key: "]
