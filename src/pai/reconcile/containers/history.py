"""What must be remembered between looks at an agent: how often things failed, and when.

Kept by control's store as JSON. Losing it costs backoff and a count, nothing else.
"""

from datetime import datetime, timedelta

import msgspec

from pai.reconcile.containers.actions import Action, RunContainer, StartContainer

BACKOFF_FIRST_SECONDS = 1.0
BACKOFF_MAX_SECONDS = 300.0
FORGIVEN_AFTER_SECONDS = 600.0


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Failures of one container since it last ran well.

    digest: of the container they belong to. exit_at: finish time of the last exit that was
    counted; reason, told: how that exit is told. error, refused_at: the engine's last refusal to
    run it.
    """

    digest: str = ""
    failures: int = 0
    exit_at: str = ""
    reason: str = ""
    told: str = ""
    error: str = ""
    refused_at: datetime | None = None


class History(msgspec.Struct, frozen=True):
    """Records by container name."""

    records: dict[str, Record] = {}

    def of(self, name: str, digest: str) -> Record:
        """Return what is known of a container; a changed one starts with a clean record."""
        record = self.records.get(name)
        return record if record and record.digest == digest else Record(digest=digest)

    def with_record(self, name: str, record: Record) -> "History":
        """Return a history in which `name` has this record."""
        return History({**self.records, name: record})

    def only(self, names: frozenset[str]) -> "History":
        """Return a history without the records of other containers."""
        kept = {name: record for name, record in self.records.items() if name in names}
        return self if len(kept) == len(self.records) else History(kept)


def backoff(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row: 1 s doubling to 5 min."""
    exponent = min(max(failures - 1, 0), 20)
    return timedelta(seconds=min(BACKOFF_MAX_SECONDS, BACKOFF_FIRST_SECONDS * 2**exponent))


def refused(history: History, action: Action, error: str, now: datetime) -> History:
    """Note that the engine refused an action, so that the next look waits and the status tells.

    Called by control when `execute` raises `EngineRefusedError`. Other actions are simply
    planned again.
    """
    match action:
        case RunContainer(container):
            name, digest = container.name, container.digest
        case StartContainer(name):
            digest = history.records.get(name, Record()).digest
        case _:
            return history
    record = history.of(name, digest)
    return history.with_record(
        name,
        msgspec.structs.replace(record, failures=record.failures + 1, error=error, refused_at=now),
    )
