"""Hosts that two parts of a spec lay claim to: refused where the choice would be a guess."""

from collections.abc import Sequence

from pai.api.agent_traffic import Egress
from pai.errors import SpecError
from pai.ir.provider import Provider
from pai.translate.vendors import LLM_HOSTS


def covers(pattern: str, host: str) -> bool:
    """Say whether a host name or `*.suffix` stands for all that `host` stands for."""
    return pattern == host or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def host_faults(providers: Sequence[Provider], path: str) -> list[SpecError]:
    """Return a fault for each host of two providers, or of a provider and an LLM vendor.

    A wildcard and a name below it are no conflict: the exact name wins.
    """
    owner: dict[str, str] = {}
    faults = []
    for index, provider in enumerate(providers):
        place = f"{path}[{index}]"
        for host in provider.hosts:
            if host in LLM_HOSTS:
                faults.append(
                    SpecError(
                        f"{place}: {provider.name!r} claims {host}, which leads to the models",
                        hint="use a ModelBinding for it",
                    )
                )
            first = owner.setdefault(host, provider.name)
            if first != provider.name:
                faults.append(
                    SpecError(
                        f"{place}: {provider.name!r} and {first!r} both claim {host}",
                        hint="attach one of them; which credential to use would be a guess",
                    )
                )
    return faults


def egress_warnings(egress: Egress, providers: Sequence[Provider]) -> list[str]:
    """Return a warning for each allowed host that is intercepted all the same."""
    owners = [(host, f"provider {p.name!r}") for p in providers for host in p.hosts]
    owners += [(host, "the models") for host in LLM_HOSTS]
    return [
        f"spec.egress.allow[{index}].host: {host} belongs to {owner} and is not passed through"
        for index, rule in enumerate(egress.allow)
        for host, owner in sorted(set(owners))
        if covers(host, rule.host) or covers(rule.host, host)
    ]
