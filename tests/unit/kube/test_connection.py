"""Kubeconfigs and service accounts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pai.clock import utc_now
from pai.kube import connection
from pai.kube.errors import KubeConfigError


def kubeconfig(user: dict[str, Any] | None = None) -> dict[str, Any]:
    context = {"cluster": "c", "user": "u", "namespace": "team"}
    return {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "here", "context": context}],
        "users": [{"name": "u", "user": user or {}}],
        "current-context": "here",
    }


def write(path: Path, document: object) -> Path:
    path.write_text(yaml.safe_dump(document))
    return path


async def test_the_current_context_is_used(tmp_path: Path) -> None:
    file = write(tmp_path / "config", kubeconfig({"token": "t"}))
    way = connection.from_kubeconfig(file, None, utc_now)
    assert way.namespace == "team" and str(way.http.base_url) == "http://127.0.0.1:1"
    await way.http.aclose()


async def test_the_file_is_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "config", kubeconfig())))
    await connection.from_kubeconfig(None, None, utc_now).http.aclose()


@pytest.mark.parametrize(
    ("document", "context", "needle"),
    [
        (kubeconfig(), "other", "'other' not found"),
        ({**kubeconfig(), "current-context": None}, None, "current context"),
        ({"clusters": 3}, None, "no kubeconfig"),
        (["x"], None, "no kubeconfig"),
        (kubeconfig({"client-certificate": "gone.pem", "client-key": "gone.key"}), None, "can't"),
        (kubeconfig({"exec": {"apiVersion": "old/v1", "command": "x"}}), None, "not supported"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, document: object, context: str | None, needle: str
) -> None:
    with pytest.raises(KubeConfigError, match=needle):
        connection.from_kubeconfig(write(tmp_path / "config", document), context, utc_now)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeConfigError, match="nothing-there"):
        connection.from_kubeconfig(tmp_path / "nothing-there", None, utc_now)


def test_outside_of_a_pod_there_is_no_service_account() -> None:
    with pytest.raises(KubeConfigError, match="does not run in a pod"):
        connection.in_cluster(utc_now)


async def test_kubeconfigs_of_several_files_are_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    near.mkdir()
    far.mkdir()
    (far / "token").write_text("the-token")
    first = {**kubeconfig(), "users": [], "current-context": None}
    second = {**kubeconfig({"tokenFile": "token"}), "contexts": []}
    files = [
        write(near / "config", first),
        tmp_path / "missing",
        write(far / "config", second),
    ]
    monkeypatch.setenv("KUBECONFIG", ":".join(map(str, files)))
    way = connection.from_kubeconfig(None, None, utc_now)
    request = way.http.build_request("GET", "/")
    assert way.http.auth is not None
    sent = next(way.http.auth.auth_flow(request))
    assert sent.headers["authorization"] == "Bearer the-token"
    await way.http.aclose()
