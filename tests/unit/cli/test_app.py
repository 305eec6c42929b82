"""Exit codes and the shape of errors; verbs of later versions don't exist."""

from dataclasses import replace

import pytest
from tests.fakes.platform_api import FakeControl
from tests.unit.cli.conftest import Pai

from pai.cli import app as application
from pai.errors import PaiError

WRONG_USAGE = [
    ["nonsense"],
    ["list", "--nonsense"],
    ["list", "-o", "xml"],
    ["status"],
    ["apply"],
    ["get", "nonsense"],
    ["delete", "agnt", "x"],
    ["delete", "secret", "x", "--volumes"],
    ["add", "secret", "x", "token=value"],
    ["add", "secret", "x", "--from-file", "token"],
    ["config", "set-env"],
    ["config", "set-env", "novalue"],
    ["config", "set-env", "PAI_X=1"],
    ["usage", "--since", "yesterday"],
    ["audit", "-o", "name"],
    ["doctor", "-o", "name"],
    ["up", "--api-port", "0"],
    ["up", "--api-port", "65536"],
    ["exec", "x"],
    ["apply", "-f", "-", "-f", "-"],
]
REFUSED = [
    ["status", "missing"],
    ["get", "agents", "missing"],
    ["describe", "agent", "missing"],
    ["delete", "agent", "missing"],
    ["list", "--context", "missing"],
    ["context", "use", "missing"],
    ["context", "delete", "missing"],
    ["apply", "-f", "/nonexistent.yaml"],
    ["add", "secret", "x", "--from-file", "token=/nonexistent"],
    ["add", "secret", "x", "--from-env", "token=NOT_SET_ANYWHERE"],
    ["add", "secret", "x"],
]


@pytest.mark.parametrize("arguments", WRONG_USAGE, ids=" ".join)
def test_wrong_usage_ends_with_2_and_one_line(
    arguments: list[str], pai: Pai, control: FakeControl
) -> None:
    done = pai(*arguments)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert all(line.startswith(("error:", "hint:")) for line in done.err.splitlines())
    assert "Traceback" not in done.err
    assert done.out == ""


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_refused_ends_with_1_and_one_line(
    arguments: list[str], pai: Pai, control: FakeControl
) -> None:
    done = pai(*arguments)
    assert done.code == 1
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) <= 2
    assert done.out == ""


@pytest.mark.parametrize(
    "arguments", [["list"], ["version"], ["get", "secrets"], ["context", "list"], ["--help"]]
)
def test_done_ends_with_0(arguments: list[str], pai: Pai, control: FakeControl) -> None:
    done = pai(*arguments)
    assert (done.code, done.err) == (0, "")
    assert done.out


@pytest.mark.parametrize("verb", ["scaling", "relay", "chat"])
def test_verbs_of_later_versions_do_not_exist(verb: str, pai: Pai) -> None:
    done = pai(verb)
    assert done.code == 2
    assert "No such command" in done.err


def test_no_command_shows_help(pai: Pai) -> None:
    done = pai()
    assert done.code == 2
    assert "Commands:" in done.err


def test_without_a_platform_the_hint_says_how_to_get_one(pai: Pai) -> None:
    done = pai("list")
    assert (done.code, done.err) == (
        1,
        "error: no platform is known\nhint:  pai up, or pai login HOST\n",
    )


def test_a_bug_is_one_line(pai: Pai, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(application, "_invoke", broken)
    done = pai("list")
    assert done.code == 1
    assert done.err.startswith("error: unexpected ZeroDivisionError at test_app.py:")
    assert "secret detail" not in done.err
    assert "Traceback" not in done.err


def test_debug_shows_the_traceback(pai: Pai, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAI_DEBUG", "1")
    done = pai("list")
    assert done.code == 1
    assert "Traceback" in done.err
    assert "error: no platform is known" in done.err


def test_an_error_is_one_line_whatever_it_holds(pai: Pai, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise PaiError("first\nsecond\x1b[2J", hint="a\nb")

    monkeypatch.setattr(application, "_invoke", broken)
    assert pai("list").err == "error: first second\nhint:  a b\n"


def test_an_unreachable_platform_is_said(pai: Pai, control: FakeControl) -> None:
    pai("config", "set-env", "A=b")
    control_url = control.url
    from pai.cli.session import update_context

    update_context("test", lambda known: replace(known, server="http://127.0.0.1:9"))
    done = pai("list")
    assert done.code == 1
    assert "the platform at http://127.0.0.1:9 does not answer" in done.err
    assert control_url not in done.err
