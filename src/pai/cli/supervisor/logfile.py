"""One process's log: appended to, and turned over before it grows too big."""

import os
from pathlib import Path
from types import TracebackType

MAX_BYTES = 10 * 1024 * 1024
KEEP = 3


class LogFile:
    """`name.log`, and `name.log.1` (newest) to `name.log.3`; readable by the owner alone."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, keep: int = KEEP) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._lost = 0
        self._descriptor = self._opened()
        self._size = os.fstat(self._descriptor).st_size

    def __enter__(self) -> "LogFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        """Append `data`. A full disk loses it: a platform must not stop for want of a log."""
        if self._size + len(data) > self._max_bytes and self._size:
            self._turn_over()
        try:
            self._size += os.write(self._descriptor, data)
        except OSError:
            self._lost += len(data)

    @property
    def lost_bytes(self) -> int:
        """Bytes that could not be written since the log was opened."""
        return self._lost

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return os.open(self._path, flags, 0o600)

    def _turn_over(self) -> None:
        """Begin a new file; where that is not possible, go on with the old one."""
        before = self._descriptor
        self._size = 0
        try:
            for number in range(self._keep - 1, 0, -1):
                older = self._numbered(number)
                if older.exists():
                    older.replace(self._numbered(number + 1))
            self._path.replace(self._numbered(1))
            self._descriptor = self._opened()
        except OSError:
            return  # tried again when as much was written once more
        os.close(before)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def last_lines(path: Path, lines: int, max_bytes: int = 65536) -> list[str]:
    """Return the last lines of a log, none when there is no log."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - max_bytes))
            return stream.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
