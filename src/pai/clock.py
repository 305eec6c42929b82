"""The one place that reads the clock. Pure code takes `now` as an argument."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.fromtimestamp(time.time(), UTC)
