"""What rendering needs to know besides the agent: settled by control once a platform or agent."""

from pai.render.facts import PlatformFacts


class Facts(PlatformFacts, frozen=True, kw_only=True):
    """The platform's side of a replica. network: name of the bridge."""

    network: str
