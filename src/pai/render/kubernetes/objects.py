"""Everything that should exist for one agent, in the order in which it is applied."""

from pai.errors import SpecError
from pai.ir.agent import Agent
from pai.render.kubernetes.config_map import config_map
from pai.render.kubernetes.disruption import disruption_budgets
from pai.render.kubernetes.facts import Facts
from pai.render.kubernetes.manifest import Manifest
from pai.render.kubernetes.network_policy import network_policy
from pai.render.kubernetes.secret import sidecar_secret
from pai.render.kubernetes.service import services
from pai.render.kubernetes.workload import workload


def render(agent: Agent, facts: Facts) -> tuple[Manifest, ...]:
    """Return the objects: the policy before any pod, the workload last.

    Raises SpecError when the agent can't be put on a cluster as it is written.
    """
    if agent.key.namespace == facts.system_namespace:
        raise SpecError(
            f"metadata.namespace: {agent.key.namespace!r} is the platform's own, whose pods are "
            "trusted by name",
            hint="put the agent into another namespace",
        )
    return (
        network_policy(agent, facts),
        config_map(agent, facts),
        sidecar_secret(agent, facts),
        *services(agent, facts),
        *disruption_budgets(agent, facts),
        workload(agent, facts),
    )
