"""Where a cluster's API server judges a document otherwise than `pai` does. Few, and told."""

from typing import NamedTuple


class Difference(NamedTuple):
    """One difference. what: the document. server: what the API server does with it.

    then: what follows.
    """

    kind: str
    path: str
    what: str
    server: str
    then: str


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "all",
        "any field",
        "is not known",
        "drops it, unless the client asks for strict validation, as `kubectl` does by default",
        "what is dropped has no effect",
    ),
    Difference(
        "all",
        "whole numbers",
        "is written with a fraction of zero, as in `3.0`",
        "takes it for the whole number",
        "it means the same",
    ),
    Difference(
        "all",
        "metadata.labels, metadata.annotations",
        "has nothing behind a key",
        "takes it for an empty text",
        "it means the same",
    ),
    Difference(
        "AgentWorkload",
        "spec.configFiles, spec.env[].value",
        "is within the limit in characters and above it in bytes",
        "accepts it, as its rules can't count the bytes of long texts",
        "`pai` refuses it, and an agent applied otherwise is Failed and says why",
    ),
    Difference(
        "AgentWorkload",
        "spec.resources, spec.volumes[].size",
        "is a number with a fraction and without quotes, as in `cpu: 0.5`",
        "refuses it",
        '`pai` sends it in quotes; write `"0.5"` or `500m` for other tools',
    ),
    Difference(
        "AgentWorkload",
        "spec.cdpRelay.token",
        "is the token itself and not its hash",
        "refuses it, so that no cluster keeps it",
        "`pai` sends the hash; other tools must",
    ),
)
