"""Names of an agent's objects: legal, and never the same for two agents of one namespace.

Each follows from the agent's name alone, so that people find them. Names of agents and volumes are
DNS labels of at most 40 characters.
"""

from pai.ir.agent import AgentKey


def object_name(key: AgentKey) -> str:
    """Return the name of everything but the workload, which bears the agent's own name."""
    return f"pai-{key.name}"


def sidecar_secret_name(key: AgentKey) -> str:
    """Return the name of the Secret with the bootstrap file of the agent's sidecars."""
    return f"pai-{key.name}-sidecar"


def pods_service_name(key: AgentKey) -> str:
    """Return the name of the headless Service that gives pods their stable names.

    Not `pai-NAME-pods`: that is the load balancer of an agent called `NAME-pods`.
    """
    return f"pods-{key.name}"


def claim_template(volume: str) -> str:
    """Return the name of the claim template of a volume: `pai-data`, `pai1-my-data`.

    A StatefulSet calls its claims TEMPLATE-NAME-ORDINAL. Were the template called as the volume,
    volume `v` of agent `x-y` and volume `v-x` of agent `y` would share their data. So it tells how
    many hyphens the volume's name has (none: it tells nothing): where that name ends, and the
    agent's begins, is then never in doubt.
    """
    hyphens = volume.count("-")
    return f"pai{hyphens or ''}-{volume}"


def claim_name(key: AgentKey, volume: str, ordinal: int) -> str:
    """Return the name of the claim that holds one replica's volume."""
    return f"{claim_template(volume)}-{key.name}-{ordinal}"
