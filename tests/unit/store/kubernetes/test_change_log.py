"""The bounded log of changes."""

import pytest

from pai.store.errors import VersionGoneError
from pai.store.kubernetes.change_log import ChangeLog
from pai.store.record import Record, ResourceKey

RECORD = Record(
    key=ResourceKey("Secret", "n", "a"),
    uid="u",
    generation=1,
    resource_version=5,
    created_at="",
    spec={},
)


def test_changes_after_a_version() -> None:
    log = ChangeLog(1000, kept=3)
    assert log.after(1000, 10) == []
    changes = [log.add("MODIFIED", RECORD) for _ in range(5)]
    assert log.newest == 1005
    assert log.after(1002, 10) == changes[2:]
    assert log.after(1003, 1) == [changes[3]]
    assert log.after(1005, 10) == []


@pytest.mark.parametrize("version", [0, 999, 1001, 1006])
def test_what_the_log_does_not_reach_is_gone(version: int) -> None:
    log = ChangeLog(1000, kept=3)
    for _ in range(5):
        log.add("ADDED", RECORD)
    with pytest.raises(VersionGoneError):
        log.after(version, 10)
