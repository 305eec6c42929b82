"""Kubernetes quantities: `500m`, `2`, `512Mi`, `1e3`. Exact arithmetic, no floats.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from fractions import Fraction
from math import ceil

_QUANTITY = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?P<unit>[numkKMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?"
)
_UNITS = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}
_LARGEST = 2**63 - 1
LONGEST_QUANTITY = 40


class QuantityError(ValueError):
    """A text that is no quantity. message, hint: for the author."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def parse_quantity(text: str) -> Fraction:
    """Return the exact value of a quantity. Raises QuantityError."""
    match = _QUANTITY.fullmatch(text) if len(text) <= LONGEST_QUANTITY else None
    if match is None:
        raise QuantityError(f"not a quantity: {text[:LONGEST_QUANTITY]!r}", _hint(text))
    unit = match["unit"] or ""
    if unit == "K":
        raise QuantityError(f"not a quantity: {text!r}", f"did you mean {text[:-1] + 'Ki'!r}?")
    if unit[:1] in ("e", "E") and len(unit) > 1 and unit not in _UNITS:
        factor = Fraction(10) ** int(unit[1:])
    else:
        factor = _UNITS.get(unit, Fraction(1))
    value = Fraction(match["number"].rstrip(".") or "0") * factor
    if value >= _LARGEST:  # Kubernetes takes all that is larger for this number
        raise QuantityError(f"too large: {text!r}")
    return value


def _hint(text: str) -> str:
    """Name the usual slip: `2GB`, `512 Mi`, `512mb`."""
    match = re.fullmatch(r"([0-9.]+)\s*([kmgtpe])i?b?", text.strip(), re.IGNORECASE)
    if match is None:
        return "write a number with an optional unit, e.g. '500m', '2', '512Mi', '5Gi'"
    unit = "Ki" if match[2] in "kK" else match[2].upper() + "i"
    return f"did you mean {match[1] + unit!r}?"


def cpu_milli(text: str) -> int:
    """Return thousandths of a core, rounded up. Raises QuantityError."""
    return ceil(parse_quantity(text) * 1000)


def size_bytes(text: str) -> int:
    """Return bytes, rounded up. Raises QuantityError."""
    value = parse_quantity(text)
    if text.endswith("m"):  # legal, and always a slip: 512m of memory is half a byte
        raise QuantityError(
            f"{text!r} is a fraction of a byte", f"did you mean {text[:-1] + 'Mi'!r}?"
        )
    return ceil(value)
