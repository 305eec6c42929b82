"""Agents with packet rules and without them, side by side."""

from tests.cluster.stage.attempts import facts
from tests.cluster.stage.platform import Platform, give_services, probe_agent

ENFORCE = "pod-security.kubernetes.io/enforce"
OPEN_EGRESS = {"allow": [{"host": "open.test", "ports": [443, 9999]}]}


def confined_agents(platform: Platform) -> dict[str, dict[str, object]]:
    """Start `probe` and `victim`: with packet rules in `default`, without them in `strict`.

    Returns what attempts have to know of each place, by namespace.
    """
    platform.kubectl("create", "namespace", "strict")
    platform.kubectl("label", "namespace", "strict", f"{ENFORCE}=restricted")
    give_services(platform, "strict")
    pair = (probe_agent("probe"), probe_agent("victim"))
    platform.apply(list(pair), "strict")
    platform.start(*pair, probe_agent("opener", egress=OPEN_EGRESS))
    platform.start(*pair, namespace="strict")
    return {namespace: facts(platform, namespace) for namespace in ("default", "strict")}


def confined(platform: Platform, agent: str, namespace: str) -> tuple[str, str]:
    """Return status and reason of the condition EgressConfined."""
    status = platform.agent(agent, namespace).get("status", {})
    for condition in status.get("conditions", ()):
        if condition["type"] == "EgressConfined":
            return condition["status"], condition["reason"]
    return "", ""
