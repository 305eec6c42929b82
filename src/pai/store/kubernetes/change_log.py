"""The last changes of all resources, in memory, with a sequence of this process's own.

The API server's versions are of one kind each; watchers of a store follow all kinds by one number.
"""

from collections import deque

from pai.store.errors import VersionGoneError
from pai.store.record import Change, ChangeType, Record

KEPT_CHANGES = 1000


class ChangeLog:
    """Changes in order. start: of the sequence, larger than any that was given before a restart."""

    def __init__(self, start: int, kept: int = KEPT_CHANGES) -> None:
        self.newest = start
        self._kept: deque[Change] = deque(maxlen=kept)

    def add(self, change_type: ChangeType, record: Record) -> Change:
        """Append a change."""
        self.newest += 1
        change = Change(self.newest, change_type, record)
        self._kept.append(change)
        return change

    def after(self, version: int, limit: int) -> list[Change]:
        """Return changes after a version, oldest first. Raises VersionGoneError."""
        missing = self.newest - version
        if not 0 <= missing <= len(self._kept):
            raise VersionGoneError(
                f"resourceVersion {version}: the change log no longer holds it",
                hint="list again and watch from the version of that list",
            )
        first = len(self._kept) - missing
        return [self._kept[place] for place in range(first, min(first + limit, len(self._kept)))]
