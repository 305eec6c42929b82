"""The PodDisruptionBudget: a drain of nodes takes one replica at a time."""

from pai.ir.agent import Agent
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import DISRUPTION_BUDGET, Manifest, manifest, selector
from pai.render.kubernetes.names import object_name
from pai.render.kubernetes.workload import most_replicas


def disruption_budgets(agent: Agent, facts: Facts) -> tuple[Manifest, ...]:
    """Return the budget, where there may be more than one replica. A broken pod may always go."""
    if most_replicas(agent) <= 1:
        return ()
    spec = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": selector(agent)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return (manifest(DISRUPTION_BUDGET, object_name(agent.key), agent, facts, {"spec": spec}),)
