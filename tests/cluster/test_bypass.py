"""An agent in a pod tries every way out and around, with packet rules and without them.

The cluster's network does not enforce NetworkPolicy. So what is stopped here is stopped by us, and
the agent without packet rules proves that each attempt would get somewhere if nobody stopped it.
"""

import asyncio
import base64
import json
import subprocess
import sys
import time
from functools import partial
from typing import Any

import msgspec
import pytest
from tests.cluster.stage.attempts import (
    CLUSTER_ATTEMPTS,
    CLUSTER_DNS_ATTEMPTS,
    DNS,
    KUBERNETES,
    OPEN_BY_POLICY,
    facts,
    opens,
    unstopped,
)
from tests.cluster.stage.platform import Platform, give_services, probe_agent
from tests.e2e.stage.attempts import (
    ATTEMPTS,
    DNS_ATTEMPTS,
    names_nothing,
    run_attempt,
    stopped,
)
from tests.e2e.test_spine import ATTACK_SURFACE

from pai.ir.snapshot import SidecarSnapshot
from pai.wire.feed import Bootstrap, ControlLink

EVERY_ATTEMPT = {**ATTEMPTS, **CLUSTER_ATTEMPTS}
EVERY_DNS_ATTEMPT = {**DNS_ATTEMPTS, **CLUSTER_DNS_ATTEMPTS}
# Tried by the agent without packet rules, too, but for what would prove nothing: this cluster's
# pods have no IPv6, and the world's own TLS server hangs up on what is not TLS.
CONCLUSIVE = {
    name: code
    for name, code in {**EVERY_ATTEMPT, **EVERY_DNS_ATTEMPT}.items()
    if name not in ("ipv6 tcp", "ipv6 udp", "direct ip 443", "metadata tls")
}
ENFORCE = "pod-security.kubernetes.io/enforce"
OPEN_EGRESS = {"allow": [{"host": "open.test", "ports": [443, 9999]}]}


@pytest.fixture(scope="module")
def places(platform: Platform) -> dict[str, dict[str, object]]:
    """Agents `probe` and `victim`: with packet rules in `default`, without them in `strict`.

    What attempts have to know of each place, by namespace.
    """
    platform.kubectl("create", "namespace", "strict")
    platform.kubectl("label", "namespace", "strict", f"{ENFORCE}=restricted")
    give_services(platform, "strict")
    pair = (probe_agent("probe"), probe_agent("victim"))
    platform.apply(list(pair), "strict")
    platform.start(*pair, probe_agent("opener", egress=OPEN_EGRESS))
    platform.start(*pair, namespace="strict")
    return {namespace: facts(platform, namespace) for namespace in ("default", "strict")}


def attempt(
    platform: Platform, places: dict[str, dict[str, object]], namespace: str, code: str
) -> tuple[str, float, list[dict[str, Any]]]:
    """Run one attempt in `probe`; return its outcome, seconds, and what reached the world."""
    before = len(platform.world.journal())
    run = partial(platform.run_in, "probe", namespace=namespace)
    result = run_attempt(run, platform.world.address, code, **places[namespace])
    contacts = platform.world.journal()[before:]
    return str(result["outcome"]), float(str(result["seconds"])), contacts


@pytest.mark.parametrize("name", EVERY_ATTEMPT)
def test_no_way_out(platform: Platform, places: dict[str, dict[str, object]], name: str) -> None:
    outcome, seconds, contacts = attempt(platform, places, "default", EVERY_ATTEMPT[name])
    assert stopped(outcome), outcome
    assert seconds < 1.0
    assert contacts == []


@pytest.mark.parametrize("name", EVERY_DNS_ATTEMPT)
def test_no_name_leaves(
    platform: Platform, places: dict[str, dict[str, object]], name: str
) -> None:
    outcome, seconds, contacts = attempt(platform, places, "default", EVERY_DNS_ATTEMPT[name])
    assert names_nothing(outcome), outcome
    assert seconds < 1.0
    assert contacts == []


def test_refusals_are_logged_with_a_reason(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    for name in ("direct ip raw port", "unknown sni", "the kubelet"):
        attempt(platform, places, "default", EVERY_ATTEMPT[name])
    attempt(platform, places, "default", DNS_ATTEMPTS["data in names"])
    node = f"{platform.cluster.node_ip}:10250"
    wanted = {"evil.test", "tunnel.test", f"{platform.world.address}:9999", node}

    def denied() -> list[dict[str, Any]] | None:
        records = [r for r in platform.audit("probe") if r["decision"] == "denied"]
        text = json.dumps(records)
        return records if all(want in text for want in wanted) else None

    assert all(record["reason"] for record in platform.wait("audit records", denied, 15))


def test_a_host_that_was_allowed_passes_untouched(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    code = f"""
import ssl, socket
context = ssl.create_default_context(cadata={platform.world.ca_file.read_text()!r})
with socket.create_connection(("open.test", 443), 5) as raw, \\
        context.wrap_socket(raw, server_hostname="open.test") as s:
    s.sendall(b"GET /hello HTTP/1.1\\r\\nhost: open.test\\r\\nconnection: close\\r\\n\\r\\n")
    print(s.recv(100).split(b"\\r\\n")[0])
with socket.create_connection(("open.test", 9999), 5) as s:
    print(s.recv(100))
"""
    lines = platform.run_in("opener", code).splitlines()
    assert lines == ["b'HTTP/1.1 200 OK'", "b'reached\\n'"]


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


# --- without packet rules -----------------------------------------------------------------------


def test_what_is_left_to_network_policy_without_packet_rules(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    """The exact list; docs/kubernetes.md tells it. Pod Security `restricted` admitted the pod."""
    out = set()
    for name, code in CONCLUSIVE.items():
        outcome, _, contacts = attempt(platform, places, "strict", code)
        if contacts or not (stopped(outcome) or (name in EVERY_DNS_ATTEMPT and quiet(outcome))):
            out.add(name)
    assert out == set(unstopped(platform))


def quiet(outcome: str) -> bool:
    """Say whether a DNS attempt was refused or got our "no such name"."""
    return outcome.startswith("refused") or names_nothing(outcome)


def test_what_network_policy_leaves_open_without_packet_rules(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    policy = platform.cluster.get("networkpolicy", "pai-probe", "-n", "strict")
    left = {name for name, target in unstopped(platform).items() if opens(policy, target)}
    assert left == OPEN_BY_POLICY


def test_the_status_says_what_is_enforced(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    said = {namespace: confined(platform, "probe", namespace) for namespace in places}
    assert said["default"] == ("True", "PacketRules")
    assert said["strict"] == ("Partial", "NoPacketRules")


def confined(platform: Platform, agent: str, namespace: str) -> tuple[str, str]:
    """Return status and reason of the condition EgressConfined."""
    status = platform.agent(agent, namespace).get("status", {})
    for condition in status.get("conditions", ()):
        if condition["type"] == "EgressConfined":
            return condition["status"], condition["reason"]
    return "", ""


# --- stolen credentials -------------------------------------------------------------------------


def bootstrap_of(platform: Platform, agent: str, namespace: str = "default") -> Bootstrap:
    """Return what the agent's sidecar starts with, as an administrator can read it."""
    data = platform.cluster.get("secret", f"pai-{agent}-sidecar", "-n", namespace)["data"]
    return msgspec.json.decode(base64.b64decode(data["bootstrap.json"]), type=Bootstrap)


def answer_of_control(bootstrap: Bootstrap, path: str) -> tuple[int, bytes]:
    """Ask control's internal API with a credential."""

    async def ask() -> tuple[int, bytes]:
        link = ControlLink.remote(bootstrap, 0)
        try:
            reply = await link.call("GET", path)
            return reply.status, reply.body
        finally:
            link.close()

    return asyncio.run(ask())


def gateway_token(platform: Platform, agent: str) -> str:
    """Return what a sidecar proves itself to the gateway with."""
    status, body = answer_of_control(bootstrap_of(platform, agent), "snapshot?after=0&wait=0")
    assert status == 200
    return msgspec.json.decode(body, type=SidecarSnapshot).gateway_token


TO_GATEWAY = """
import http.client, json, ssl
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
connection = http.client.HTTPSConnection({gateway!r}, 8443, timeout=10, context=context)
"""
SPEND = f"""{TO_GATEWAY}
body = {{{{"model": "gpt", "messages": [{{{{"role": "user", "content": "words=3"}}}}]}}}}
headers = {{{{"authorization": "Bearer " + {{token!r}}, "content-type": "application/json"}}}}
connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
answer = connection.getresponse()
print(answer.status, answer.read().decode(), answer.headers)
"""
ASK = f"""{TO_GATEWAY}
headers = {{{{"authorization": "Bearer " + {{token!r}}}}}}
connection.request("GET", "/pai/resolve?name={{name}}&type=A", headers=headers)
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""


def test_a_stolen_gateway_token_spends_its_owner_s_budget_and_shows_no_key(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    token = gateway_token(platform, "victim")
    gateway = str(places["strict"]["gateway"])
    refused = platform.run_in("probe", SPEND.format(gateway=gateway, token="guess"), "strict")
    assert refused.startswith("401 ")
    said = platform.run_in("probe", SPEND.format(gateway=gateway, token=token), "strict")
    assert said.startswith("200 "), said
    assert platform.world.llm_key not in said

    def users(namespace: str) -> set[str]:
        used = json.loads(platform.pai("usage", "-n", namespace, "-o", "json").stdout)
        return {line["agent"] for line in used}

    platform.wait("the owner's bill", lambda: "victim" in users("default"), 20)
    assert users("strict") == set()


def test_a_stolen_gateway_token_is_no_way_into_dns(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    """The gateway finds addresses of what the token's agent declared, and asks for nothing else."""
    token, gateway = gateway_token(platform, "victim"), str(places["strict"]["gateway"])

    def ask(name: str, token: str = token) -> str:
        return platform.run_in(
            "probe", ASK.format(gateway=gateway, token=token, name=name), "strict"
        )

    assert ask("api.notes.test", "guess").startswith("401 ")
    asked = ask("api.notes.test")  # this cluster's DNS knows nothing of the world, and says so
    assert asked.startswith("502 ") and DNS in asked
    for name in ("64617461.api.notes.test", "64617461.tunnel.test", KUBERNETES, "evil.test"):
        assert ask(name).startswith("403 "), name
    assert ask("64617461%0d%0a.api.notes.test").startswith("400 ")


@pytest.mark.parametrize("namespace", ["default", "strict"])
def test_no_name_is_asked_for_through_the_sidecar_s_own_way(
    platform: Platform, places: dict[str, dict[str, object]], namespace: str
) -> None:
    code = """
import http.client
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=5)
connection.request("GET", "/pai/resolve?name=api.notes.test&type=A")
print(connection.getresponse().status)
"""
    assert platform.run_in("probe", code, namespace) == "404\n"


@pytest.mark.parametrize("credential", ["", "guess"])
def test_control_tells_nothing_without_a_credential(
    platform: Platform, places: dict[str, dict[str, object]], credential: str
) -> None:
    bootstrap = msgspec.structs.replace(bootstrap_of(platform, "victim"), credential=credential)
    status, body = answer_of_control(bootstrap, "snapshot?after=0&wait=0")
    assert status == 401
    assert b"victim" not in body


def test_a_sidecar_s_credential_is_worth_no_more_than_its_own_agent(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    strict = bootstrap_of(platform, "probe", "strict")
    _, body = answer_of_control(strict, "snapshot?after=0&wait=0")
    snapshot = msgspec.json.decode(body, type=SidecarSnapshot)
    assert snapshot.agent == "strict/probe"
    assert b"default/" not in body
    assert platform.world.llm_key.encode() not in body
    status, _ = answer_of_control(strict, "audit")
    assert status in (403, 404, 405)


# --- admission ----------------------------------------------------------------------------------


def test_a_pod_that_admission_refuses_is_told_with_its_reason(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    """`baseline` does not ask for the restricted mode, and admits no NET_ADMIN."""
    platform.kubectl("create", "namespace", "baseline")
    platform.kubectl("label", "namespace", "baseline", f"{ENFORCE}=baseline")
    platform.apply([probe_agent("outlaw", modelBindings=[], providers=[])], "baseline")

    def refused() -> dict[str, Any] | None:
        status = platform.agent("outlaw", "baseline").get("status", {})
        ready = [c for c in status.get("conditions", ()) if c["type"] == "Ready"]
        return ready[0] if ready and ready[0]["reason"] == "StartRefused" else None

    message = platform.wait("the refusal in the status", refused, 30)["message"]
    assert 'violates PodSecurity "baseline' in message
    assert "NET_ADMIN" in message
    assert platform.pods("outlaw", "baseline") == []
    platform.kubectl("label", "namespace", "baseline", "pai.io/restricted=true")
    platform.until("outlaw", "Running", "baseline")
    assert confined(platform, "outlaw", "baseline") == ("Partial", "NoPacketRules")
    platform.kubectl("delete", "agentworkload", "outlaw", "-n", "baseline", "--wait=false")


@pytest.mark.slow
def test_the_whole_platform_can_do_without_packet_rules(
    platform: Platform, places: dict[str, dict[str, object]]
) -> None:
    """`pai install kubernetes --restricted`: the same agents, in pods that `restricted` admits."""
    platform.install("--restricted")
    try:
        whole = ("Partial", "NoPacketRules")
        platform.wait(
            "pods without packet rules",
            lambda: confined(platform, "opener", "default") == whole and one_pod(platform),
            60,
        )
        platform.kubectl("label", "namespace", "default", f"{ENFORCE}=restricted")
        platform.kubectl("delete", "pod", "-l", "pai.io/agent=opener", "--wait=false")
        time.sleep(0.5)
        platform.wait("a pod that was admitted", lambda: one_pod(platform), 60)
    finally:
        platform.kubectl("label", "namespace", "default", f"{ENFORCE}-")
        platform.install("--no-restricted")


def one_pod(platform: Platform) -> bool:
    """Say whether `opener` has one pod, with all containers ready, and no other that ends."""
    found = platform.cluster.get("pods", "-n", "default", "-l", "pai.io/agent=opener")["items"]
    if len(found) != 1 or "deletionTimestamp" in found[0]["metadata"]:
        return False
    conditions = found[0]["status"].get("conditions", ())
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    prepare = found[0]["spec"]["initContainers"][0]
    return ready and bool(prepare["securityContext"]["runAsNonRoot"])
