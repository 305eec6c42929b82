import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.cli.cluster.kubeconfigs import kubeconfig

from pai.cli.cluster.kubeconfig import files, target
from pai.cli.failures import CommandError


def test_files_are_found_as_kubectl_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert files(None) == (tmp_path / ".kube/config",)
    monkeypatch.setenv("KUBECONFIG", f"/a{os.pathsep}~/b{os.pathsep}")
    assert files(None) == (Path("/a"), tmp_path / "b")
    assert files("/c") == (Path("/c"),)


def test_the_context_in_use_or_the_named_one(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "k", context={"namespace": "team"})
    found = target([file], None)
    assert (found.context, found.server, found.namespace) == (
        "kind",
        "https://k8s.example:6443",
        "team",
    )
    with pytest.raises(CommandError, match="no context named 'kin'") as caught:
        target([file], "kin")
    assert "'kind'" in (caught.value.hint or "")


def test_several_files_are_merged_and_the_first_wins(tmp_path: Path) -> None:
    one = kubeconfig(tmp_path / "one", cluster={"server": "https://one"}, name="a")
    two = kubeconfig(tmp_path / "two", cluster={"server": "https://two"}, name="b")
    assert target([tmp_path / "none", one, two], None).context == "a"
    assert target([one, two], "b").server == "https://one"
    assert target([two, one], "b").server == "https://two"


def test_paths_are_relative_to_their_file_and_data_wins(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("from the file")
    file = kubeconfig(
        tmp_path / "k", cluster={"server": "https://x", "certificate-authority": "ca.pem"}
    )
    assert target([file], None).ca_pem == "from the file"
    data = base64.b64encode(b"inline").decode()
    cluster = {
        "server": "https://x/",
        "certificate-authority": "gone.pem",
        "certificate-authority-data": data,
        "tls-server-name": "name",
        "insecure-skip-tls-verify": True,
    }
    found = target([kubeconfig(tmp_path / "k", cluster=cluster)], None)
    assert (found.ca_pem, found.server) == ("inline", "https://x")
    assert (found.tls_name, found.insecure) == ("name", True)


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        ({"server": "https://x", "proxy-url": "http://p"}, "proxy-url"),
        ({"certificate-authority-data": "x"}, "no server"),
        ({"server": "https://x", "certificate-authority": "gone.pem"}, "gone.pem"),
        ({"server": "https://x", "certificate-authority-data": "%"}, "not base64"),
    ],
)
def test_what_can_not_be_used_is_said(cluster: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=said):
        target([kubeconfig(tmp_path / "k", cluster=cluster)], None)


@pytest.mark.parametrize(
    "text", ["", "- a", "users: [{token: hunter2}]", "users: 1", "a: b: hunter2", "\x00"]
)
def test_what_is_no_kubeconfig_is_not_quoted(text: str, tmp_path: Path) -> None:
    (tmp_path / "k").write_text(text)
    with pytest.raises(CommandError) as caught:
        target([tmp_path / "k"], None)
    assert "hunter2" not in caught.value.message


def test_missing_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such file"):
        target([tmp_path / "none"], None)
    document = {"contexts": [{"name": "a", "context": {"cluster": "c"}}]}
    (tmp_path / "k").write_text(yaml.safe_dump(document))
    with pytest.raises(CommandError, match="no context is in use"):
        target([tmp_path / "k"], None)
    with pytest.raises(CommandError, match="no cluster named 'c'"):
        target([tmp_path / "k"], "a")


def test_a_target_does_not_show_its_user(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "k", user={"token": "hunter2"})
    assert "hunter2" not in repr(target([file], None))
