import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.platform_api import TOKEN, FakeControl
from tests.unit.cli.conftest import Pai

from pai.cli.failures import CommandError
from pai.cli.verbs.access import server_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("pai.example.com", "https://pai.example.com"),
        ("pai.example.com:8443", "https://pai.example.com:8443"),
        ("localhost", "https://localhost"),
        ("10.0.0.7", "http://10.0.0.7"),
        ("10.0.0.7:8080", "http://10.0.0.7:8080"),
        ("::1", "http://[::1]"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("http://pai.example.com/", "http://pai.example.com"),
        ("https://10.0.0.7:1", "https://10.0.0.7:1"),
        ("256.0.0.1", "https://256.0.0.1"),
    ],
)
def test_a_bare_address_means_http(host: str, url: str) -> None:
    assert server_url(host) == url


@pytest.mark.parametrize(
    "host", ["", "ftp://x", "https://u:p@x", "https://x/path", "https://x?q", "x:port", "https://"]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(CommandError, match="not a host"):
        server_url(host)


@given(st.text(max_size=30))
def test_any_text_gives_a_url_or_a_refusal(host: str) -> None:
    try:
        url = server_url(host)
    except CommandError:
        return
    assert url.startswith(("http://", "https://"))
    assert "@" not in url


def test_login_tries_the_token_then_remembers(pai: Pai, control: FakeControl, home: Path) -> None:
    done = pai("login", control.url, "--token-stdin", "--name", "prod", stdin=f"{TOKEN}\n")
    assert (done.code, done.out) == (0, f"logged in to {control.url} as context prod\n")
    document = json.loads((home / "config.json").read_text())
    assert document["current"] == "prod"
    assert document["contexts"]["prod"]["token"] == TOKEN
    assert stat.S_IMODE((home / "config.json").stat().st_mode) == 0o600


def test_a_wrong_token_is_not_kept(pai: Pai, control: FakeControl, home: Path) -> None:
    done = pai("login", control.url, "--token-stdin", "--name", "prod", stdin="pai_tok_wrong")
    assert done.code == 1
    assert "the token is not valid" in done.err
    assert "pai_tok_wrong" not in done.out + done.err + (home / "config.json").read_text()


def test_login_needs_a_way_to_get_the_token(pai: Pai, control: FakeControl) -> None:
    done = pai("login", control.url, stdin=TOKEN)
    assert done.code == 2
    assert "--token-stdin" in done.err


def test_an_empty_token_is_refused(pai: Pai, control: FakeControl) -> None:
    assert pai("login", control.url, "--token-stdin", stdin="").code == 1


def test_logout_forgets_the_token_alone(pai: Pai, control: FakeControl, home: Path) -> None:
    assert pai("logout").out == "forgot the token of context test\n"
    document = json.loads((home / "config.json").read_text())
    assert document["contexts"]["test"]["token"] is None
    done = pai("list")
    assert done.code == 1
    assert "pai login HOST" in done.err


def test_contexts_are_listed_used_and_deleted(pai: Pai, control: FakeControl) -> None:
    pai("login", control.url, "--token-stdin", "--name", "b", "-n", "team", stdin=TOKEN)
    assert pai("context", "list").out == (
        "CURRENT   NAME   SERVER                   NAMESPACE\n"
        f"*         b      {control.url}   team\n"
        f"          test   {control.url}   default\n"
    )
    assert TOKEN not in pai("context", "list", "-o", "json").out
    assert pai("context", "list", "-o", "name").out == "b\ntest\n"
    assert pai("context", "use", "test").out == "using context test\n"
    assert pai("context", "delete", "test").out == "deleted context test\n"
    assert pai("list").code == 1
    assert pai("list", "--context", "b").code == 0
    assert control.calls[-1][1] == "/api/v1/namespaces/team/agentworkloads"
