"""Kubeconfigs and service accounts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

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
    way = connection.from_kubeconfig(file)
    assert way.namespace == "team" and str(way.http.base_url) == "http://127.0.0.1:1"
    await way.http.aclose()


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
        connection.from_kubeconfig(write(tmp_path / "config", document), context)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeConfigError, match="nothing-there"):
        connection.from_kubeconfig(tmp_path / "nothing-there")


def test_outside_of_a_pod_there_is_no_service_account() -> None:
    with pytest.raises(KubeConfigError, match="does not run in a pod"):
        connection.in_cluster()
