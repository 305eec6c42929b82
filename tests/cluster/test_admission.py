"""Namespaces that admit no pod with packet rules, and a platform that does without them.

Named to be first of those that use the platform: each of its agents would get new pods, twice.
"""

import time
from typing import Any

import pytest
from tests.cluster.stage.confinement import ENFORCE, confined
from tests.cluster.stage.platform import Platform, probe_agent


def test_a_pod_that_admission_refuses_is_told_with_its_reason(platform: Platform) -> None:
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
def test_the_whole_platform_can_do_without_packet_rules(platform: Platform) -> None:
    """`pai install kubernetes --restricted`: the same agents, in pods that `restricted` admits."""
    platform.start(probe_agent("plain"))
    assert confined(platform, "plain", "default") == ("True", "PacketRules")
    platform.install("--restricted")
    try:
        whole = ("Partial", "NoPacketRules")
        platform.wait(
            "pods without packet rules",
            lambda: confined(platform, "plain", "default") == whole and one_pod(platform),
            60,
        )
        platform.kubectl("label", "namespace", "default", f"{ENFORCE}=restricted")
        platform.kubectl("delete", "pod", "-l", "pai.io/agent=plain", "--wait=false")
        time.sleep(0.5)
        platform.wait("a pod that was admitted", lambda: one_pod(platform), 60)
    finally:
        platform.kubectl("label", "namespace", "default", f"{ENFORCE}-")
        platform.kubectl("delete", "agentworkload", "plain", "--wait=false")
        platform.install("--no-restricted")


def one_pod(platform: Platform) -> bool:
    """Say whether `plain` has one pod, with all containers ready, and no other that ends."""
    found = platform.cluster.pods("default", "pai.io/agent=plain")
    if len(found) != 1 or "deletionTimestamp" in found[0]["metadata"]:
        return False
    conditions = found[0]["status"].get("conditions", ())
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    prepare = found[0]["spec"]["initContainers"][0]
    return ready and bool(prepare["securityContext"]["runAsNonRoot"])
