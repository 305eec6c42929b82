"""What rendering needs to know besides the agent, for every engine."""

import re

import msgspec

_INSTANCE = re.compile(r"[a-z0-9]{1,10}")


class PlatformFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The platform's side of a replica; no secret value.

    instance: 1 to 10 lower-case letters and digits; tells platforms on one engine apart.
    image: of Pai itself. ca_pem: our CA certificate. url: of the agent. extra_ca_pem: other roots
    for the agent's bundle. dummies: variable and worthless stand-in for its key, for models and
    providers. bootstrap_version: changes whenever what a sidecar needs to find control changes.
    """

    instance: str
    image: str
    ca_pem: str
    url: str
    extra_ca_pem: str = ""
    dummies: tuple[tuple[str, str], ...] = ()
    bootstrap_version: str = ""

    def __post_init__(self) -> None:
        """Refuse an instance id that would make names ambiguous."""
        if not _INSTANCE.fullmatch(self.instance):
            raise ValueError(f"instance {self.instance!r}: want 1 to 10 of a-z and 0-9")
