"""What a pod holds of the cluster, and what answers at its address."""

import json
import subprocess
import sys

import pytest
from tests.cluster.stage.platform import Platform
from tests.e2e.test_spine import ATTACK_SURFACE


@pytest.mark.parametrize("namespace", ["default", "strict"])
def test_the_pod_holds_nothing_of_the_cluster(
    platform: Platform, places: dict[str, dict[str, object]], namespace: str
) -> None:
    found = json.loads(platform.run_in("probe", ATTACK_SURFACE, namespace))
    assert {int(caps, 16) for caps in found["caps"]} == {0}
    assert (found["no_new_privs"], found["seccomp"], found["uid"]) == ("1", "2", 65532)
    assert found["run_pai"][0][2].split(",")[0] == "ro"
    assert found["sockets"] == []
    assert found["interfaces"] == ["eth0", "lo"]
    assert json.loads(platform.run_in("probe", TRACES, namespace)) == []
    for pod in platform.pods("probe", namespace):
        volumes = [set(volume) - {"name"} for volume in pod["spec"]["volumes"]]
        assert not any("hostPath" in volume or "projected" in volume for volume in volumes)
        shared = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")
        assert not any(pod["spec"].get(field) for field in shared)


# variables that the kubelet adds (those of the API server's address can't be switched off),
# credentials it mounts, and the sidecar's own files
TRACES = """
import json, os
PLACES = ("/var/run/secrets", "/run/secrets", "/etc/pai", "/run/pai/bootstrap.json")
found = [name for name in os.environ
         if "_SERVICE_" in name and not name.startswith("KUBERNETES_SERVICE_")]
found += [path for path in PLACES if os.path.exists(path)]
found += [pid for pid in os.listdir("/proc") if pid.isdigit()
          and b"pai.sidecar" in open("/proc/" + pid + "/cmdline", "rb").read()]
print(json.dumps(found))
"""

KNOCK = """
import socket
def knock(port):
    with socket.create_connection((ADDRESS, port), 3) as s:
        s.sendall(b"GET /livez HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n")
        return s.recv(300)[9:12].decode()
def knock_udp(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.5)
        s.connect((ADDRESS, port))
        s.send(b"x" * 20)
        return s.recv(100).hex()
for name, function, ports in (("tcp", knock, TCP), ("udp", knock_udp, UDP)):
    for port in ports:
        try: print(name, port, function(port) or "closed")
        except OSError: pass
"""
# of the agent itself: 3000; of its sidecar: the rest
KNOCKED = "ADDRESS = {!r}; TCP = (53, 80, 443, 3000, 8000, 8053, 8081, 8082, 8083, 8084, 8443)"


@pytest.mark.parametrize("source", ["the node", "default", "strict"])
@pytest.mark.parametrize("namespace", ["default", "strict"])
def test_only_three_ports_answer_from_outside(
    platform: Platform, places: dict[str, dict[str, object]], namespace: str, source: str
) -> None:
    """8082 wants the edge's token, 8083 a peer of allowCIDRs (the node is one), 8084 probes.

    Without packet rules the agent's own port answers, too, unless the agent binds 127.0.0.1.
    """
    code = KNOCKED.format(platform.pod_ip("victim", namespace)) + "; UDP = (53, 8053)\n" + KNOCK
    if source == "the node":
        command = [sys.executable, "-c", code]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    else:
        where = {"container": "sidecar", "namespace": source}  # packet rules let its UID out
        said = platform.exec("probe", "python3", "-c", code, **where)
    public = "200" if source == "the node" else "403"
    own = ["tcp 3000 200"] if namespace == "strict" else []
    assert said.splitlines() == [*own, "tcp 8082 404", f"tcp 8083 {public}", "tcp 8084 200"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/probe/hello", "/probe/../hello", "/hello"])
def test_probes_tell_nothing(
    platform: Platform, places: dict[str, dict[str, object]], path: str
) -> None:
    code = f"""
import http.client
connection = http.client.HTTPConnection({platform.pod_ip("victim")!r}, 8084, timeout=3)
connection.request("GET", {path!r})
answer = connection.getresponse()
print(answer.status, answer.read())
"""
    said = platform.exec("probe", "python3", "-c", code, container="sidecar", namespace="strict")
    assert said.strip() == f"{200 if path in ('/livez', '/readyz') else 404} b''"
