from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.cli.output.plain import (
    age,
    bar,
    pairs,
    parse_time,
    plural,
    printable,
    span,
    table,
    width,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("then", "shown"),
    [
        ("2026-03-01T12:00:00Z", "0s"),
        ("2026-03-01T11:59:01Z", "59s"),
        ("2026-03-01T11:59:00Z", "1m"),
        ("2026-03-01T10:30:00+00:00", "1h"),
        ("2026-02-27T12:00:00Z", "2d"),
        ("2026-03-01T12:05:00Z", "0s"),
        ("2026-03-01T12:00:00", "-"),
        ("nonsense", "-"),
        ("", "-"),
        (None, "-"),
    ],
)
def test_age(then: str | None, shown: str) -> None:
    assert age(then, NOW) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (59, "59s"), (60, "1m 0s"), (43_199, "11h 59m"), (86_400, "1d 0h")],
)
def test_span(seconds: int, shown: str) -> None:
    assert span(seconds) == shown


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("\x1b[2J\x1b[H", ""),
        ("over\rwritten\x08\x7f", "overwritten"),
        ("\x9b31m", "31m"),
        ("\u202eevil\u2066", "evil"),
        ("é — 漢字", "é — 漢字"),
    ],
)
def test_printable(raw: str, safe: str) -> None:
    assert printable(raw) == safe


@given(st.text())
def test_nothing_printable_can_steer_a_terminal(raw: str) -> None:
    safe = printable(raw)
    assert not any(ord(char) < 32 and char not in "\n\t" for char in safe)
    assert "\x1b" not in safe
    assert "\x9b" not in safe
    assert printable(safe) == safe


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_bar_has_its_width_and_hides_nothing(used: int, reserved: int, limit: int) -> None:
    drawn = bar(used, reserved, limit)
    assert len(drawn) == 24
    assert ("█" in drawn) == (used > 0)
    if used >= limit:
        assert drawn == "█" * 24
    if reserved > 0 and used * 2 < limit:
        assert "▒" in drawn


def test_no_limit_at_all_is_a_full_bar() -> None:
    assert bar(0, 0, 0) == "█" * 24


words = st.text(st.characters(categories=["L", "N"]), max_size=8)


@given(st.lists(st.tuples(words, words, words), max_size=5))
def test_columns_are_aligned(rows: list[tuple[str, str, str]]) -> None:
    lines = table(("A", "B", "C"), [(a, "|" + b, "|" + c) for a, b, c in rows]).splitlines()
    assert len(lines) == len(rows) + 1
    assert len({line.index("|") for line in lines[1:]}) <= 1
    assert len({line.index("|", line.index("|") + 1) for line in lines[1:]}) <= 1
    assert all(line == line.rstrip() for line in lines)


def test_colours_take_no_room() -> None:
    assert width("\x1b[31mab\x1b[0m") == 2


def test_pairs_are_aligned() -> None:
    assert pairs([("A", "1"), ("Long", "2"), ("B", "")]) == "A:     1\nLong:  2\nB:\n"


def test_plural() -> None:
    assert (plural(1, "request"), plural(1000, "request")) == ("1 request", "1,000 requests")


def test_times_without_a_zone_are_no_times() -> None:
    assert parse_time("2026-03-01T12:00:00") is None
    assert parse_time("2026-03-01T12:00:00Z") == NOW
