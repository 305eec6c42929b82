"""What a Claude model takes, by the version in its name: what one accepts the next refuses.

Source: https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting,
https://platform.claude.com/docs/en/build-with-claude/effort,
https://platform.claude.com/docs/en/build-with-claude/structured-outputs and the pages
`whats-new` and `migration-guide` of each model, as of November 2026.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

_Version = tuple[int, int]
_NAME = re.compile(
    r"claude-(?:(?P<family>[a-z]+)-)?(?P<major>\d{1,2})(?!\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?"
)
_GREAT = frozenset({"fable", "mythos"})
_EARLY = ("low", "medium", "high")


class Generation(NamedTuple):
    """One model's ways. The defaults are for names without a version: the API as it was for long.

    thinks: it is given a budget, or adapts to an effort, or can't. off: how thinking is turned
    off; "" = never. efforts: words it takes, may be none. silent: shows no thoughts unless asked.
    samples: takes temperature, top_p and top_k. forces: can be made to call a tool. continues:
    goes on from the beginning of an answer. shapes: keeps to a JSON schema.
    """

    thinks: Literal["never", "budget", "adaptive"] = "budget"
    off: Literal["", "disabled", "between_tools"] = "disabled"
    efforts: tuple[str, ...] = ()
    silent: bool = False
    samples: bool = True
    forces: bool = True
    continues: bool = True
    shapes: bool = True


@lru_cache(maxsize=1024)
def generation_of(model: str) -> Generation:
    """Return what a model takes; of a version newer than the table, what the newest takes."""
    name = model.lower()
    found = _NAME.search(name)
    if found is None:
        if "claude-mythos" not in name:
            return Generation()
        family, version = "mythos", (4, 7)  # the preview has no number
    else:
        family = found["family"] or ""
        version = (int(found["major"]), int(found["minor"] or 0))
    return Generation(
        _thinks(version),
        _off(family, version),
        _efforts(version),
        silent=version >= (4, 7),
        samples=version < (4, 7),
        forces=not _refuses_force(family, version),
        continues=version < (4, 6),
        shapes=version >= (4, 5),
    )


def _thinks(version: _Version) -> Literal["never", "budget", "adaptive"]:
    if version >= (4, 6):
        return "adaptive"
    return "budget" if version >= (3, 7) else "never"


def _off(family: str, version: _Version) -> Literal["", "disabled", "between_tools"]:
    if (family in _GREAT and version >= (5, 0)) or (family == "opus" and version >= (5, 5)):
        return ""
    return "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"


def _efforts(version: _Version) -> tuple[str, ...]:
    if version >= (4, 7):
        return (*_EARLY, "xhigh", "max")
    return (*_EARLY, "max") if version >= (4, 6) else ()


def _refuses_force(family: str, version: _Version) -> bool:
    if family in _GREAT:
        return version >= (5, 1)
    return family in ("opus", "sonnet") and version >= (5, 5)
