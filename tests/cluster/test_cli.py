"""`pai` on a cluster: each call goes through the API server, as whoever the kubeconfig says."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.stage.cluster import Cluster
from tests.cluster.stage.control import Controls, controls
from tests.fakes.documents import agent, model, secret

from pai.render.platform.people import roles_for_people

SPACE = "cli-team"
Done = subprocess.CompletedProcess[str]
Pai = Callable[..., Done]


@pytest.fixture(scope="module")
def stage(control_plane: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controls]:
    with controls(control_plane, tmp_path_factory.mktemp("control")) as found:
        found.cluster.apply(*roles_for_people())
        found.cluster.kubectl("create", "namespace", SPACE)
        found.start()
        found.until_served()
        yield found
        found.cluster.kubectl("delete", "namespace", SPACE, "--wait=false")


def person(stage: Controls, home: Path, name: str, role: str) -> Pai:
    """Return `pai` of somebody with a role in the namespace, logged in."""
    cluster = stage.cluster
    cluster.kubectl("create", "serviceaccount", name, "-n", SPACE)
    cluster.kubectl(
        *("create", "rolebinding", name, f"--clusterrole={role}", "-n", SPACE),
        f"--serviceaccount={SPACE}:{name}",
    )
    document: dict[str, Any] = yaml.safe_load(cluster.kubeconfig.read_text())
    context = document["contexts"][0]["context"]
    context["namespace"] = SPACE
    token = cluster.kubectl("create", "token", name, "-n", SPACE).strip()
    document["users"] = [{"name": context["user"], "user": {"token": token}}]
    file = home / "kubeconfig"
    file.write_text(yaml.safe_dump(document))
    env = {**os.environ, "PAI_HOME": str(home / "pai"), "PYTHONPATH": "src"}

    def run(*words: str, stdin: str = "") -> Done:
        return subprocess.run(
            [sys.executable, "-m", "pai.cli", *words],
            input=stdin,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    cluster.wait("rights", lambda: login(run, file).returncode == 0, 20)
    return run


def login(run: Pai, file: Path) -> Done:
    return run("login", "--kubernetes", "--kubeconfig", str(file), "--name", "c")


@pytest.fixture(scope="module")
def editor(stage: Controls, tmp_path_factory: pytest.TempPathFactory) -> Pai:
    return person(stage, tmp_path_factory.mktemp("editor"), "ada", "edit")


@pytest.fixture(scope="module")
def viewer(stage: Controls, tmp_path_factory: pytest.TempPathFactory) -> Pai:
    return person(stage, tmp_path_factory.mktemp("viewer"), "bob", "view")


@pytest.fixture(scope="module")
def applied(editor: Pai) -> Done:
    documents = [secret(token="value-of-keys"), model(), agent("writer", modelBindings=["gpt"])]
    return editor("apply", "-f", "-", stdin="---\n".join(map(yaml.safe_dump, documents)))


def good(done: Done) -> str:
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_apply_writes_all_kinds_and_the_second_changes_nothing(
    editor: Pai, applied: Done, stage: Controls
) -> None:
    assert good(applied).splitlines() == [
        "secret/keys created",
        "modelbinding/gpt created",
        "agentworkload/writer created",
    ]
    again = editor("apply", "-f", "-", stdin=yaml.safe_dump(model()))
    assert good(again) == "modelbinding/gpt unchanged\n"
    stage.until("writer", "Pending", SPACE)


def test_everything_can_be_looked_at_with_view(viewer: Pai, applied: Done, stage: Controls) -> None:
    stage.until("writer", "Pending", SPACE)
    assert "writer" in good(viewer("list"))
    assert "token" in good(viewer("get", "secrets"))
    assert "value-of-keys" not in good(viewer("get", "secrets", "-o", "yaml"))
    assert "Pending" in good(viewer("status", "writer"))
    assert "writer" in good(viewer("describe", "agent", "writer"))
    assert json.loads(good(viewer("usage", "-o", "json"))) == []
    assert json.loads(good(viewer("audit", "-o", "json"))) == []
    assert "platform  0." in good(viewer("version"))


@pytest.mark.parametrize(
    "words",
    [
        ("apply", "-f", "-"),
        ("delete", "model", "gpt"),
        ("pause", "writer"),
        ("exec", "writer", "--", "id"),
    ],
)
def test_view_alone_changes_nothing_and_is_told_what_lacks(
    viewer: Pai, applied: Done, words: tuple[str, ...]
) -> None:
    done = viewer(*words, stdin=yaml.safe_dump(model("other")))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 2, done.stderr
    error, hint = done.stderr.splitlines()
    assert "cannot" in error
    assert "--clusterrole=pai-edit" in hint


def test_another_namespace_is_another_tenant(editor: Pai, applied: Done) -> None:
    done = editor("list", "-n", "default")
    assert done.returncode == 1
    assert "--clusterrole=pai-view" in done.stderr


def test_pause_resume_and_delete(editor: Pai, applied: Done, stage: Controls) -> None:
    good(editor("pause", "writer"))
    assert stage.agent("writer", SPACE)["spec"]["paused"] is True
    good(editor("resume", "writer"))
    good(editor("restart", "writer"))
    assert "deleted" in good(editor("delete", "agent", "writer", "--wait"))
    assert editor("status", "writer").returncode == 1


def test_exec_reaches_control_through_the_api_server(editor: Pai, stage: Controls) -> None:
    good(editor("apply", "-f", "-", stdin=yaml.safe_dump(agent("nowhere"))))
    done = editor("exec", "nowhere", "--", "id")
    assert done.returncode == 1
    assert "nowhere" in done.stderr or "replica" in done.stderr
    assert "API server" not in done.stderr


def test_warnings_come_back_with_their_document(editor: Pai) -> None:
    done = editor("apply", "-f", "-", stdin=yaml.safe_dump(agent("bad", modelBindings=["none"])))
    assert done.returncode == 0
    assert "agentworkload/bad: spec.modelBindings[0]: no ModelBinding named 'none'" in done.stderr


def test_a_control_that_is_away_is_said(editor: Pai, stage: Controls) -> None:
    stage.kill()
    try:
        done = editor("list")
        assert done.returncode == 1
        assert "does not answer behind the API server" in done.stderr
    finally:
        stage.start()
