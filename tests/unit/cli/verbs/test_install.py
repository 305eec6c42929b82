import json
from pathlib import Path

import pytest
import yaml
from tests.unit.cli.cluster.kubeconfigs import kubeconfig
from tests.unit.cli.conftest import Pai

URL = "postgresql://pai:hunter2@db.example:5432/pai"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a cluster."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("PAI_DATABASE_URL", raising=False)


def test_a_dry_run_writes_manifests_and_needs_no_cluster(pai: Pai) -> None:
    done = pai("install", "kubernetes", "--dry-run", "--domain", "agents.example.com")
    assert (done.code, done.err) == (0, "")
    found = list(yaml.safe_load_all(done.out))
    assert found[0]["metadata"]["name"] == "pai-system"
    assert [each["kind"] for each in found[1:4]] == ["CustomResourceDefinition"] * 3
    assert found[-1]["kind"] == "APIService"
    assert "agents.example.com" in done.out
    assert pai("install", "kubernetes", "--dry-run", "--domain", "agents.example.com") == done
    listed = pai(
        "install", "kubernetes", "--dry-run", "-o", "json", "--domain", "agents.example.com"
    )
    assert json.loads(listed.out)["items"] == found


def test_a_dry_run_holds_no_secret(pai: Pai) -> None:
    done = pai("install", "kubernetes", "--dry-run", "--database-url-file", "-", stdin=URL)
    assert done.code == 0
    assert "hunter2" not in done.out + done.err
    assert "make it yourself" in done.err
    assert "secretName: pai-database" in done.out
    assert not [e for e in yaml.safe_load_all(done.out) if e["kind"] == "Secret"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--dry-run", "--control-replicas", "2"], 1, "SQLite"),
        (["--dry-run", "-o", "name"], 2, "manifests"),
        (["--sqlite", "--database-url", URL], 2, "--sqlite"),
        ([], 1, "no such file"),
        (["--gateway-replicas", "0"], 2, "gateway-replicas"),
    ],
)
def test_what_can_not_be_is_refused(pai: Pai, arguments: list[str], code: int, said: str) -> None:
    done = pai("install", "kubernetes", *arguments)
    assert done.code == code
    assert said in done.err
    assert "hunter2" not in done.err


def test_a_cluster_that_is_away_is_said(pai: Pai, tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "k", cluster={"server": "http://127.0.0.1:9"})
    for verb in ("install", "uninstall"):
        done = pai(verb, "kubernetes", "--kubeconfig", str(file))
        assert done.code == 1
        assert "out of reach" in done.err
    assert "no contexts" in pai("context", "list").out
