"""What the parts are told: nothing outside the cluster's own directory is written."""

import json
import re
from pathlib import Path

import pytest
from scripts.kubernetes import settings
from scripts.kubernetes.api import is_ready
from scripts.kubernetes.certificates import USERS, issue_all
from scripts.kubernetes.commands import CONTROL_PLANE, NODE_PARTS, command
from scripts.kubernetes.failure import ClusterError
from scripts.kubernetes.network import client_names
from scripts.kubernetes.place import NODE_IP, VARIABLE, Place, place_beside, place_of_this_machine

PLACE = Place(Path("/w/cluster"), Path("/cache/kubernetes"), "cluster.abc")
FRONT_PROXY = "--requestheader-allowed-names=front-proxy-client"


@pytest.mark.parametrize("part", CONTROL_PLANE + NODE_PARTS)
def test_every_part_has_a_command_that_stays_in_its_place(part: str) -> None:
    program, *words = command(PLACE, part)
    assert program in (f"/cache/kubernetes/{part}", part)
    paths = [word.rpartition("=")[2] for word in words if "=/" in word or word.startswith("/")]
    assert [path for path in paths if not path.startswith("/w/cluster/")] == []


def test_the_api_server_vouches_for_users_with_an_authority_of_its_own() -> None:
    words = command(PLACE, "kube-apiserver")
    assert FRONT_PROXY in words
    assert "--requestheader-client-ca-file=/w/cluster/pki/front-proxy-ca.crt" in words
    assert "--client-ca-file=/w/cluster/pki/ca.crt" in words


def test_the_kubelet_keeps_to_its_control_group_and_directory() -> None:
    told = json.loads(settings.kubelet_configuration(PLACE))
    assert told["cgroupRoot"] == "/cluster.abc"
    own = ("podLogsDir", "volumePluginDir", "resolvConf", "tlsCertFile")
    assert all(told[name].startswith("/w/cluster/") for name in own)


def test_the_names_service_is_where_pods_ask() -> None:
    objects = {entry["kind"]: entry for entry in settings.first_objects()}
    told = json.loads(settings.kubelet_configuration(PLACE))
    assert told["clusterDNS"] == [objects["Service"]["spec"]["clusterIP"]]
    assert objects["EndpointSlice"]["endpoints"][0]["addresses"] == [NODE_IP]
    assert f"bind {NODE_IP}" in settings.corefile(PLACE)


def test_all_certificates_that_are_named_are_issued(tmp_path: Path) -> None:
    place = Place(tmp_path / "cluster", Path("/p"), "x")
    place.root.mkdir()
    issue_all(place)
    named = [word for part in CONTROL_PLANE for word in command(place, part)]
    wanted = {Path(word.rpartition("=")[2]) for word in named if "/pki/" in word}
    assert [path for path in wanted if not path.exists()] == []
    keys = [*place.pki.glob("*.key"), *(place.kubeconfig(user) for user in USERS)]
    assert {oct(path.stat().st_mode & 0o777) for path in keys} == {"0o600"}


def test_two_control_planes_share_no_port_and_no_directory() -> None:
    def own(place: Place) -> set[str]:
        told = " ".join(word for part in CONTROL_PLANE for word in command(place, part))
        ports = {*re.findall(r"127\.0\.0\.1:(\d+)", told), *re.findall(r"port=(\d+)", told)}
        assert len(ports) == 5
        return ports | {str(place.root), place.control_group}

    assert own(PLACE) & own(place_beside(PLACE)) == set()


def test_without_namespaces_of_its_own_there_is_no_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ClusterError, match=r"cluster\.sh COMMAND"):
        place_of_this_machine(Path("/p"))
    monkeypatch.setenv(VARIABLE, "/b/cluster.xyz")
    place = place_of_this_machine(Path("/p"))
    assert (place.root, place.control_group) == (Path("/b/cluster.xyz/cluster"), "cluster.xyz")


def test_a_client_has_a_network_of_its_own() -> None:
    assert client_names("10.250.7.2") == ("client7", "10.250.7.1")
    for other in ("10.250.7.3", "10.244.7.2", "192.0.2.2"):
        with pytest.raises(ClusterError, match=r"10\.250\.N\.2"):
            client_names(other)


def test_a_node_is_ready_without_taints_only() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    assert is_ready({"spec": {}, "status": ready})
    assert not is_ready({"spec": {"taints": [{"key": "x"}]}, "status": ready})
    assert not is_ready({"spec": {}, "status": {}})
