"""How Kubernetes expands `$(NAME)` in env values, commands and arguments.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/, fields
`command` and `env.value`
"""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, env: Mapping[str, str]) -> str:
    """Return `text` expanded: `$$` is `$`, and a reference to nothing stays as it is."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return "$" if name is None else env.get(name, match[0])

    return _REFERENCE.sub(value, text)
