"""Names in pods: the gateway finds their addresses, and nothing of a pod speaks to a nameserver.

World and agents as in the other files, but reached by a name that only the cluster's DNS knows.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.cluster.stage.platform import Platform, give_services, probe_agent
from tests.cluster.test_stolen_credentials import answer_of_control, bootstrap_of
from tests.e2e.stage.internet import SERVICE

from pai.ir.snapshot import SidecarSnapshot

pytestmark = pytest.mark.slow

SPACE, STRICT = "outside", "outside-strict"
SHORT = "world.outside.svc"
PORTS = (80, 443, 9999)
EGRESS = {"allow": [{"host": SHORT, "ports": [80, 9999]}]}
ENFORCE = "pod-security.kubernetes.io/enforce=restricted"
PROVIDER = {
    "apiVersion": "pai.io/v1",
    "kind": "Provider",
    "metadata": {"name": "byname"},
    "spec": {
        "type": "http-token",
        "host": SERVICE,
        "auth": {"type": "api-key", "secretRef": "notes-key", "agentEnvVar": "NOTES_TOKEN"},
    },
}


def world_service(address: str) -> list[dict[str, Any]]:
    """A Service without pods: the cluster's DNS answers for it with the world's address."""
    ports = [{"name": f"p{port}", "port": port} for port in PORTS]
    named = {"name": "world", "namespace": SPACE}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": named,
            "spec": {"clusterIP": "None", "ports": ports},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**named, "labels": {"kubernetes.io/service-name": "world"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": ports,
        },
    ]


@pytest.fixture(scope="module")
def spaces(platform: Platform) -> Iterator[tuple[str, str]]:
    """An agent `asker` with packet rules, and one without."""
    for space in (SPACE, STRICT):
        platform.kubectl("create", "namespace", space)
        give_services(platform, space)
        platform.apply([PROVIDER], space)
    platform.kubectl("label", "namespace", STRICT, ENFORCE)
    platform.cluster.apply(*world_service(platform.world.address))
    asker = probe_agent("asker", providers=["byname"], egress=EGRESS)
    for space in (SPACE, STRICT):
        platform.apply([asker], space)
    for space in (SPACE, STRICT):
        platform.start(asker, namespace=space)
    yield SPACE, STRICT
    for space in (SPACE, STRICT):
        platform.kubectl("delete", "namespace", space, "--wait=false")


NOTE = f"""
import os, urllib.request
headers = {{"authorization": "Bearer " + os.environ["NOTES_TOKEN"]}}
request = urllib.request.Request("https://{SERVICE}/notes", b"by name", headers)
with urllib.request.urlopen(request, timeout=10) as answer:
    print(answer.status)
"""
PLAIN = f"""
import urllib.request
with urllib.request.urlopen("http://{SHORT}/hello", timeout=10) as answer:
    print(answer.read().decode())
"""
RAW = f"""
import socket
with socket.create_connection(("{SHORT}", 9999), 10) as s:
    print(s.recv(100))
"""


@pytest.mark.parametrize("space", [SPACE, STRICT])
def test_a_provider_and_a_service_are_reached_by_name(
    platform: Platform, spaces: tuple[str, str], space: str
) -> None:
    before = len(platform.world.journal("notes"))
    assert platform.run_in("asker", NOTE, space) == "201\n"
    assert len(platform.world.journal("notes")) == before + 1
    assert "reached" in platform.run_in("asker", PLAIN, space)


def test_a_service_is_reached_at_any_port_that_is_listed(
    platform: Platform, spaces: tuple[str, str]
) -> None:
    assert platform.run_in("asker", RAW, SPACE) == "b'reached\\n'\n"


@pytest.mark.parametrize("space", [SPACE, STRICT])
def test_the_sidecar_has_no_nameserver_and_the_policy_no_way_to_one(
    platform: Platform, spaces: tuple[str, str], space: str
) -> None:
    _, body = answer_of_control(bootstrap_of(platform, "asker", space), "snapshot?after=0&wait=0")
    network = msgspec.json.decode(body, type=SidecarSnapshot).network
    assert network.nameservers == ()
    assert network.resolve_through_gateway
    policy = platform.cluster.get("networkpolicy", "pai-asker", "-n", space)
    ports = [port for rule in policy["spec"]["egress"] for port in rule["ports"]]
    assert {port["protocol"] for port in ports} == {"TCP"}
    assert 53 not in {port["port"] for port in ports}
    assert "kube-system" not in json.dumps(policy["spec"])


def test_a_name_that_is_allowed_later_is_found_at_once(
    platform: Platform, spaces: tuple[str, str]
) -> None:
    late = probe_agent("late", providers=[])
    platform.start(late, namespace=SPACE)
    assert "refused" in platform.run_in("late", _safely(RAW), SPACE)
    patch = json.dumps({"spec": {"egress": EGRESS}})
    platform.kubectl("patch", "agent", "late", "-n", SPACE, "--type=merge", "-p", patch)
    platform.wait(
        "the new name", lambda: "reached" in platform.run_in("late", _safely(RAW), SPACE), 10
    )


def _safely(code: str) -> str:
    lines = "".join(f"    {line}\n" for line in code.strip().splitlines())
    return f"try:\n{lines}except OSError as error:\n    print('refused', error)\n"
