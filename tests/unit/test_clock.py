"""The clock's two forms."""

import re
import time

import pytest

from pai.clock import timestamp, utc_now


def test_a_timestamp_is_the_time_to_the_millisecond() -> None:
    before, text, after = utc_now(), timestamp(), utc_now()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    cut = [at.isoformat(timespec="milliseconds").replace("+00:00", "Z") for at in (before, after)]
    assert cut[0] <= text <= cut[1]


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_767_225_599_999_999_999, "2025-12-31T23:59:59.999Z"),
        (1_767_225_600_001_000_000, "2026-01-01T00:00:00.001Z"),
    ],
)
def test_a_timestamp_is_cut_and_not_rounded(
    nanoseconds: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: nanoseconds)
    assert timestamp() == text
