"""Quantities in the form in which the API server keeps them (seen with 1.34)."""

import pytest

from pai.render.kubernetes.quantity import cpu, size


@pytest.mark.parametrize(
    ("milli", "text"),
    [(1, "1m"), (250, "250m"), (1000, "1"), (1500, "1500m"), (2000, "2"), (1_000_000, "1k")],
)
def test_cores(milli: int, text: str) -> None:
    assert cpu(milli) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (1, "1"), (1000, "1k"), (1024, "1Ki"), (1536, "1536"), (128000, "128k"),
        (512 << 20, "512Mi"), (1 << 30, "1Gi"), ((1 << 30) + 1, "1073741825"), (10**12, "1T"),
        (1_500_000_000, "1500M"), (1 << 60, "1Ei"), (5 << 60, "5Ei"),
    ],
)  # fmt: skip
def test_bytes(amount: int, text: str) -> None:
    assert size(amount) == text
