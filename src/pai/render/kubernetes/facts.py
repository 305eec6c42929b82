"""What rendering for a cluster needs to know besides the agent."""

from typing import Literal

from pai.render.facts import PlatformFacts
from pai.render.kubernetes.blocks import parse

PullPolicy = Literal["Always", "IfNotPresent", "Never"]


class Facts(PlatformFacts, frozen=True, kw_only=True):
    """The platform's side of an agent's objects; no secret value.

    system_namespace: of control, gateway and edge. restricted: pods without a privileged step.
    cluster_ranges: CIDRs of pods, Services, nodes and the API server, as far as they are known;
    never reached, whatever else is listed. private_upstreams: private CIDRs that may be reached.
    """

    system_namespace: str = "pai-system"
    restricted: bool = False
    pull_policy: PullPolicy = "IfNotPresent"
    cluster_ranges: tuple[str, ...] = ()
    private_upstreams: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no rule can be made of: a rule left out would be noticed by nobody."""
        super().__post_init__()
        _checked("cluster_ranges", self.cluster_ranges)
        _checked("private_upstreams", self.private_upstreams)


def _checked(field: str, values: tuple[str, ...]) -> None:
    try:
        parse(values)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from error
