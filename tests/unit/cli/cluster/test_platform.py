"""Commands through a kubeconfig: a fake control stands where an API server passes calls on."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.platform_api import TOKEN, FakeControl, serve
from tests.unit.cli.cluster.kubeconfigs import kubeconfig
from tests.unit.cli.conftest import Pai

from pai.cli.cluster.connection import open_connection
from pai.cli.contexts import Context
from pai.cli.door import door_of
from pai.cli.failures import CommandError

BASE = "/apis/platform.pai.io/v1"


@pytest.fixture
def cluster(tmp_path: Path, home: Path) -> Iterator[FakeControl]:
    """A fake control behind a kubeconfig with the context `kind`."""
    with serve() as fake:
        kubeconfig(
            tmp_path / "kube/config",
            cluster={"server": fake.url},
            user={"token": TOKEN},
            context={"namespace": "team"},
        )
        yield fake


@pytest.fixture
def logged_in(pai: Pai, cluster: FakeControl, tmp_path: Path) -> FakeControl:
    """A home whose context is that cluster."""
    done = pai("login", "--kubernetes", "--kubeconfig", str(tmp_path / "kube/config"))
    assert (done.code, done.err) == (0, "")
    assert done.out == "logged in to kubernetes: kind as context kind\n"
    return cluster


def test_login_keeps_where_the_credential_is_and_no_credential(
    logged_in: FakeControl, home: Path, tmp_path: Path
) -> None:
    text = (home / "config.json").read_text()
    assert TOKEN not in text
    kept = json.loads(text)["contexts"]["kind"]
    assert kept["kubeconfig"] == str(tmp_path / "kube/config")
    assert kept["kube_context"] == "kind"


def test_calls_go_to_the_aggregated_api_in_the_kubeconfig_s_namespace(
    pai: Pai, logged_in: FakeControl
) -> None:
    assert pai("list").code == 0
    assert pai("list", "-n", "other").code == 0
    paths = [path for _, path, _ in logged_in.calls[-2:]]
    assert paths == [
        f"{BASE}/namespaces/team/agentworkloads",
        f"{BASE}/namespaces/other/agentworkloads",
    ]
    pai("version")
    assert logged_in.calls[-1][1] == f"{BASE}/version"


def test_logs_go_to_a_call_that_the_api_server_lets_last(pai: Pai, logged_in: FakeControl) -> None:
    path = f"{BASE}/namespaces/team/agentworkloads/a/log"
    logged_in.answers["GET", path] = (200, "line\n")
    assert pai("logs", "a").out == "line\n"


def test_what_the_api_server_refuses_is_told_with_the_role(
    pai: Pai, logged_in: FakeControl
) -> None:
    message = 'User "bob" cannot list resource "secrets" in API group "platform.pai.io"'
    told = {"kind": "Status", "reason": "Forbidden", "message": message}
    logged_in.answers["GET", f"{BASE}/namespaces/team/secrets"] = (403, told)
    done = pai("get", "secrets")
    assert done.code == 1
    assert done.err.startswith(f"error: {message}\nhint:  an administrator gives you pai-view")


def test_contexts_show_the_cluster_and_logout_has_nothing_to_forget(
    pai: Pai, logged_in: FakeControl
) -> None:
    assert pai("context", "list").out == (
        "CURRENT   NAME   SERVER             NAMESPACE\n*         kind   kubernetes: kind   -\n"
    )
    done = pai("logout")
    assert done.code == 1
    assert "the kubeconfig's" in done.err


def test_a_file_of_an_older_version_still_loads(pai: Pai, home: Path) -> None:
    home.mkdir(parents=True)
    entry = {"server": "http://127.0.0.1:9", "token": "t", "socket": None, "namespace": "a"}
    text = json.dumps({"current": "old", "contexts": {"old": entry}})
    (home / "config.json").write_text(text)
    (home / "config.json").chmod(0o600)
    assert "old" in pai("context", "list").out


@pytest.mark.parametrize("arguments", [[], ["host", "--kubernetes"], ["h", "--kube-context", "x"]])
def test_login_is_to_a_host_or_to_a_cluster(pai: Pai, arguments: list[str]) -> None:
    done = pai("login", *arguments, stdin="t")
    assert done.code == 2
    assert "--kubernetes" in done.err


def test_a_wrong_credential_is_not_kept(pai: Pai, cluster: FakeControl, tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "k", cluster={"server": cluster.url}, user={"token": "hunter2"})
    done = pai("login", "--kubernetes", "--kubeconfig", str(file))
    assert done.code == 1
    assert "hunter2" not in done.err
    assert "no contexts" in pai("context", "list").out


def test_the_door_of_exec_has_the_header_and_hides_it(
    logged_in: FakeControl, tmp_path: Path
) -> None:
    files = str(tmp_path / "kube/config")
    door = door_of(Context("", kubeconfig=files, kube_context="kind", namespace=""), None)
    assert (door.namespace, door.place.base) == ("team", BASE)
    assert door.authorization == f"Bearer {TOKEN}"
    assert TOKEN not in repr(door)


def test_an_unencrypted_api_server_must_be_on_this_machine(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "k", cluster={"server": "http://k8s.example"})
    with pytest.raises(CommandError, match="not encrypted"):
        open_connection(str(file), None)
    local = kubeconfig(tmp_path / "k", cluster={"server": "http://localhost:8001"})
    assert open_connection(str(local), None).tls is None
