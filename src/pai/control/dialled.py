"""Which names the sidecars of an agent dial. Pure."""

from pai.ir.agent import Agent
from pai.ir.service_name import full_name

EVERY_NAME = "*"


def dialled_names(agent: Agent) -> tuple[str, ...]:
    """Return all a sidecar may have to resolve: hosts, `*.suffix`, or `*`. Shape: sorted, unique.

    A law holds this equal to what the sidecar's routes let pass. Models are not among it: they
    lead to the gateway, which has an address.
    """
    if agent.egress.mode == "audit":
        return (EVERY_NAME,)
    hosts = {_plain(host) for provider in agent.providers for host in provider.hosts}
    return tuple(sorted(hosts | {full_name(_plain(rule.host)) for rule in agent.egress.allow}))


def _plain(host: str) -> str:
    return host.lower().rstrip(".")
