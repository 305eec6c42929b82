"""Read one YAML scalar as YAML 1.2 does; what YAML 1.1 readers take for something else is refused.

A value is never guessed and never repeated in a message: it may be a secret.
"""

import re
from typing import NamedTuple

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 40
# What YAML versions read differently, and what it might be. Source: https://yaml.org/type/
_AMBIGUOUS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"y|Y|n|N|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"),
        "some YAML readers take this word for true or false",
    ),
    (re.compile(r"[-+]?0[0-9_]+(?:\.[0-9_]*)?"), "some YAML readers take this for an octal number"),
    (
        re.compile(r"[-+]?0[xob][0-9a-fA-F_]+"),
        "YAML readers differ on numbers in base 2, 8 and 16",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        "some YAML readers take this for a number in base 60",
    ),
    (
        re.compile(r"[-+]?(?:[0-9]+_[0-9_]*(?:\.[0-9_]*)?|[0-9]*\.[0-9]*_[0-9_]*)"),
        "some YAML readers take this for a number",
    ),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), "this is no finite number"),
)


class Scalar(NamedTuple):
    """The value of a scalar, or the reason why there is none."""

    value: str | int | float | bool | None = None
    problem: str | None = None


def plain_scalar(text: str) -> Scalar:
    """Return what an unquoted scalar means."""
    if text in _NULL:
        return Scalar(None)
    if text in _BOOLEANS:
        return Scalar(_BOOLEANS[text])
    for pattern, reading in _AMBIGUOUS:
        if pattern.fullmatch(text):
            return Scalar(problem=reading)
    if _FLOAT.fullmatch(text):
        if len(text) > _LONGEST_NUMBER:
            return Scalar(problem="this is a number of too many digits")
        return Scalar(int(text) if _INTEGER.fullmatch(text) else float(text))
    return Scalar(text)
