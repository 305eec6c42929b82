from pathlib import Path

import pytest
from tests.fakes.platform_api import FakeControl
from tests.unit.cli.conftest import Pai

from pai.cli import terminal

CANARY = "sk-canary-0123456789"


def added(control: FakeControl) -> dict[str, object]:
    [document] = control.bodies("/apply")[-1]["documents"]
    assert document["apiVersion"] == "pai.io/v1"
    return dict(document)


def test_a_secret_comes_from_standard_input(pai: Pai, control: FakeControl) -> None:
    done = pai("add", "secret", "key", stdin=f"{CANARY}\n")
    assert (done.code, done.out, done.err) == (0, "secret/key created\n", "")
    assert added(control)["stringData"] == {"token": CANARY}


def test_a_secret_is_asked_for_without_echo(
    pai: Pai, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return CANARY

    monkeypatch.setattr(terminal, "read_secret", ask)
    done = pai("add", "secret", "key", "api-key")
    assert asked == ["value of key.api-key"]
    assert added(control)["stringData"] == {"api-key": CANARY}
    assert CANARY not in done.out + done.err


def test_secrets_from_files_and_variables(
    pai: Pai, control: FakeControl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").write_text(f"{CANARY}\n")
    (tmp_path / "two.pem").write_text("BEGIN\nEND\n")
    monkeypatch.setenv("MY_KEY", "from-env")
    options = ["--from-file", f"a={tmp_path}/one", "--from-file", f"b={tmp_path}/two.pem"]
    pai("add", "secret", "key", *options, "--from-env", "c=MY_KEY")
    wanted = {"a": CANARY, "b": "BEGIN\nEND\n", "c": "from-env"}
    assert added(control)["stringData"] == wanted


def test_a_value_as_argument_is_refused_and_not_repeated(pai: Pai, control: FakeControl) -> None:
    done = pai("add", "secret", "key", f"token={CANARY}")
    assert done.code == 2
    assert CANARY not in done.err
    assert control.calls == []


def test_add_creates_and_replaces_only_when_asked(pai: Pai, control: FakeControl) -> None:
    pai("add", "secret", "key", stdin=CANARY)
    pai("add", "secret", "key", "--replace", stdin=CANARY)
    assert [body["create"] for body in control.bodies("/apply")] == [True, False]


def test_binary_and_missing_files_are_refused(
    pai: Pai, control: FakeControl, tmp_path: Path
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "binary", tmp_path / "missing"):
        assert pai("add", "secret", "key", "--from-file", f"a={path}").code == 1


def test_a_model(pai: Pai, control: FakeControl) -> None:
    pai("add", "model", "gpt", "--provider", "openai", "--model", "gpt-4o", "--secret", "key")
    assert added(control)["spec"] == {
        "provider": "openai",
        "model": "gpt-4o",
        "apiKeySecretRef": {"name": "key"},
    }


def test_a_model_of_ones_own(pai: Pai, control: FakeControl) -> None:
    limits = ["--max-tokens-per-day", "5000", "--max-tokens-per-request", "100"]
    endpoint = ["--endpoint", "http://127.0.0.1:11434/v1"]
    pai("add", "model", "own", "--provider", "openai", "--model", "qwen", *endpoint, *limits)
    assert added(control)["spec"] == {
        "provider": "openai",
        "model": "qwen",
        "endpoint": "http://127.0.0.1:11434/v1",
        "maxTokensPerDay": 5000,
        "maxTokensPerRequest": 100,
    }


def test_a_service(pai: Pai, control: FakeControl) -> None:
    options = ["--host", "api.x.example", "--secret", "k", "--header", "X-Key", "--prefix", ""]
    pai("add", "service", "x", "--type", "http-token", *options, "--allow", "get", "--allow", "put")
    assert added(control)["spec"] == {
        "type": "http-token",
        "host": "api.x.example",
        "auth": {"secretRef": "k", "header": "X-Key", "prefix": ""},
        "policy": {"allow": ["get", "put"]},
    }


def test_a_service_without_policy_allows_all_so_none_is_written(
    pai: Pai, control: FakeControl
) -> None:
    pai("add", "service", "x", "--type", "github", "--secret", "k")
    assert added(control)["spec"] == {"type": "github", "auth": {"secretRef": "k"}}
