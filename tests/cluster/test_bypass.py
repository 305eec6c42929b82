"""An agent in a pod tries every way out and around, with packet rules and without them.

The cluster's network does not enforce NetworkPolicy. So what is stopped here is stopped by us, and
the agent without packet rules proves that each attempt would get somewhere if nobody stopped it.
"""

import json
from functools import partial
from typing import Any

import pytest
from tests.cluster.stage.attempts import (
    CLUSTER_ATTEMPTS,
    CLUSTER_DNS_ATTEMPTS,
    OPEN_BY_POLICY,
    opens,
    unstopped,
)
from tests.cluster.stage.confinement import confined
from tests.cluster.stage.platform import Platform
from tests.e2e.stage.attempts import (
    ATTEMPTS,
    DNS_ATTEMPTS,
    names_nothing,
    run_attempt,
    stopped,
)

EVERY_ATTEMPT = {**ATTEMPTS, **CLUSTER_ATTEMPTS}
EVERY_DNS_ATTEMPT = {**DNS_ATTEMPTS, **CLUSTER_DNS_ATTEMPTS}
# Tried by the agent without packet rules, too, but for what would prove nothing: this cluster's
# pods have no IPv6, and the world's own TLS server hangs up on what is not TLS.
CONCLUSIVE = {
    name: code
    for name, code in {**EVERY_ATTEMPT, **EVERY_DNS_ATTEMPT}.items()
    if name not in ("ipv6 tcp", "ipv6 udp", "direct ip 443", "metadata tls")
}


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
