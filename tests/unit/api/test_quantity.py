"""Quantities: exact, and with a hint for the usual slips."""

import pytest

from pai.api.quantity import QuantityError, cpu_milli, parse_quantity, size_bytes


@pytest.mark.parametrize(
    ("text", "milli"),
    [("2", 2000), ("0.5", 500), ("500m", 500), (".1", 100), ("1.", 1000), ("100u", 1), ("1n", 1)],
)
def test_cpu(text: str, milli: int) -> None:
    assert cpu_milli(text) == milli


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("128", 128),
        ("1k", 1000),
        ("1Ki", 1024),
        ("1.5Gi", 1610612736),
        ("5G", 5 * 10**9),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1.5e-1", 1),
        ("1E", 10**18),
        ("1Ei", 2**60),
        ("1T", 10**12),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2GB", "did you mean '2Gi'?"),
        ("512 Mi", "did you mean '512Mi'?"),
        ("512mb", "did you mean '512Mi'?"),
        ("1K", "did you mean '1Ki'?"),
        ("1kb", "did you mean '1Ki'?"),
        ("lots", "write a number"),
        ("1" * 41, "write a number"),
        ("-1", "write a number"),
        ("1e100", "write a number"),
        ("\u0661", "write a number"),
    ],
)
def test_slips_get_a_hint(text: str, hint: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)


def test_thousandths_of_a_byte_are_a_slip() -> None:
    with pytest.raises(QuantityError, match="fraction of a byte"):
        size_bytes("512m")


def test_there_is_a_largest_quantity() -> None:
    with pytest.raises(QuantityError, match="too large"):
        parse_quantity("9.3E")
