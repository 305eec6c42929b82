"""JSON lines, written by one thread so that a slow reader of the log never slows a request.

The queue is bounded; what doesn't fit is dropped and counted, and the count is logged.
"""

import atexit
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

QUEUE_LINES = 10_000
# A thread woken for each line would take the interpreter from the requests each time.
_GATHER_SECONDS = 0.02
_MOST_AT_ONCE = 2_000
Value = str | int | float | bool | None | list[str]
_encode = msgspec.json.Encoder().encode


class Writer:
    """Writes lines to one file descriptor from its own thread.

    dropped: lines that found the queue full.
    """

    def __init__(self, descriptor: int, capacity: int = QUEUE_LINES) -> None:
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._capacity = capacity
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()
        self.dropped = 0

    def put(self, line: bytes) -> None:
        """Queue one line, without its newline; never blocks."""
        if self._writer is None:
            self._start()
        if self._queue.qsize() >= self._capacity:
            self.dropped += 1
        else:
            self._queue.put(line)

    def close(self) -> None:
        """Write what is queued and stop; a later `put` starts again."""
        with self._lock:
            thread, self._writer = self._writer, None
        if thread is not None:
            self._queue.put(None)
            thread.join(timeout=2.0)

    def _start(self) -> None:
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._run, name="log", daemon=True)
                self._writer.start()

    def _run(self) -> None:
        reported = 0
        while (line := self._queue.get()) is not None:
            lines = [line]
            time.sleep(_GATHER_SECONDS)
            while len(lines) < _MOST_AT_ONCE and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    self._queue.put(None)
                    break
                lines.append(following)
            if self.dropped > reported:
                lines.append(_line("warning", "log lines dropped", {"dropped": self.dropped}))
                reported = self.dropped
            self._write(b"\n".join(lines) + b"\n")

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:  # the reader of the log is gone; the process must not go with it
                self.dropped += data.count(b"\n")
                return


_writer: Writer | None = None
_level_debug = False


def configure(put: Callable[[bytes], None] | None = None, *, debug: bool = False) -> None:
    """Set where lines go (default: standard error) and whether debug lines are written."""
    global _put, _level_debug
    _put = put or _standard_error
    _level_debug = debug


def _standard_error(line: bytes) -> None:
    global _writer
    if _writer is None:
        _writer = Writer(sys.stderr.fileno())
        atexit.register(_writer.close)
    _writer.put(line)


_put: Callable[[bytes], None] = _standard_error


def _line(level: str, message: str, fields: dict[str, Value]) -> bytes:
    at = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
    return _encode({"at": at, "level": level, "message": message, **fields})


def debug(message: str, **fields: Value) -> None:
    """Log a line that only someone who looks for a fault wants to see."""
    if _level_debug:
        _put(_line("debug", message, fields))


def info(message: str, **fields: Value) -> None:
    """Log an event worth knowing."""
    _put(_line("info", message, fields))


def warning(message: str, **fields: Value) -> None:
    """Log something that someone may have to act upon."""
    _put(_line("warning", message, fields))


def error(message: str, **fields: Value) -> None:
    """Log a failure."""
    _put(_line("error", message, fields))


def crash(message: str, exception: BaseException) -> None:
    """Log a bug with its traceback; the exception's text is left out, it may quote data."""
    trace = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(exception.__traceback__)
    ]
    _put(_line("error", message, {"error": type(exception).__name__, "trace": trace}))
