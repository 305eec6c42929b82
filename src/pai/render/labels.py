"""Labels every object of ours carries, so that several platforms can share one engine."""

from pai.ir.agent import AgentKey

INSTANCE = "pai.io/instance"
NAMESPACE = "pai.io/namespace"
AGENT = "pai.io/agent"
UID = "pai.io/uid"
REPLICA = "pai.io/replica"
STEP = "pai.io/step"
VOLUME = "pai.io/volume"
DIGEST = "pai.io/digest"
POD = "pai.io/pod"
MANAGED_BY = "app.kubernetes.io/managed-by"


def agent_labels(instance: str, key: AgentKey) -> dict[str, str]:
    """Return the labels that select all objects of one agent."""
    return {INSTANCE: instance, NAMESPACE: key.namespace, AGENT: key.name}


def selector(key: AgentKey) -> str:
    """Return the label selector of one agent, as the scale subresource shows it."""
    return f"{NAMESPACE}={key.namespace},{AGENT}={key.name}"
