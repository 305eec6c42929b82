"""Figures as text, in the Prometheus exposition format 0.0.4. Pure.

A family is a name with a kind and a meaning; a piece is some sample lines of one family, so that
much text can be made little by little, and that of several workers be put together.
Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Families = Mapping[str, tuple[str, str]]
"""Kind and meaning, by name."""
Piece = tuple[str, str]
"""Name of a family, and lines of it with their ends."""


def labels(**values: str) -> str:
    """Return `name="value"` pairs, in the order given."""
    return ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in values.items())


def sample(name: str, own: str, value: float) -> Piece:
    """Return a piece of one line. own: its labels."""
    return name, f"{name}{{{own}}} {value}\n"


def histogram(
    name: str, own: str, bounds: Sequence[float], counts: Sequence[int], total: float
) -> Piece:
    """Return all lines of one histogram; none where nothing was observed.

    own: its labels. counts: of each bucket alone, the last one without a bound.
    """
    sums = list(accumulate(counts))
    if not sums[-1]:
        return name, ""
    edges = (*map(str, bounds), "+Inf")
    buckets = "".join(
        f'{name}_bucket{{{own},le="{edge}"}} {count}\n'
        for edge, count in zip(edges, sums, strict=True)
    )
    return name, f"{buckets}{name}_sum{{{own}}} {total}\n{name}_count{{{own}}} {sums[-1]}\n"


def exposed(families: Families, parts: Sequence[Mapping[str, bytes]]) -> bytes:
    """Return the whole text: each family once, with the lines of all parts by its name."""
    found: list[bytes] = []
    for name, (kind, meaning) in families.items():
        found.append(f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n".encode())
        found += [part.get(name, b"") for part in parts]
    return b"".join(found)
