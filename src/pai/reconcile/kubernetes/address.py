"""Where the load balancer of an agent with `inbound` can be reached."""

from collections.abc import Iterable, Sequence

from pai.reconcile.kubernetes.observed import Json


def public_address(objects: Iterable[Json]) -> str:
    """Return `ADDRESS:PORT` of the agent's load balancer, "" until the cluster has given one."""
    for item in objects:
        if item["kind"] == "Service" and item["spec"].get("type") == "LoadBalancer":
            given: Sequence[Json] = item.get("status", {}).get("loadBalancer", {}).get(
                "ingress"
            ) or ({},)
            address = given[0].get("ip") or given[0].get("hostname") or ""
            shown = f"[{address}]" if ":" in address else address
            return f"{shown}:{item['spec']['ports'][0]['port']}" if address else ""
    return ""
