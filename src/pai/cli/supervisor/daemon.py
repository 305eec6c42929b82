"""Start the supervisor detached from the terminal, and wait until it says how it went."""

import os
import subprocess
import sys
from collections.abc import Callable

from pai.cli.failures import CommandError
from pai.cli.locations import DataDir
from pai.cli.supervisor.logfile import last_lines
from pai.cli.supervisor.plan import child_environment
from pai.cli.supervisor.report import messages

_LAST_LINES = 1


def start_detached(data: DataDir, progress: Callable[[str], None]) -> float:
    """Start the platform in `data` and return the seconds until it was ready.

    Raises CommandError with the reason, and nothing is left running then.
    """
    reading, writing = os.pipe()
    log = data.log("supervisor")
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = _spawn(data, writing, descriptor)
        finally:
            os.close(descriptor)
    finally:
        os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        for message in messages(iter(pipe)):
            if message.kind == "progress":
                progress(message.text)
            elif message.kind == "failed":
                process.wait()
                raise CommandError(message.text, message.hint)
            else:
                process.returncode = 0  # it lives on by itself; nobody waits for it
                return message.seconds
    process.wait()
    said = " / ".join(last_lines(log, _LAST_LINES)) or "it wrote nothing"
    raise CommandError(f"the supervisor ended at once: {said}", hint=f"see {log}")


def _spawn(data: DataDir, report: int, log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pai.cli.supervisor",
            "--data",
            str(data.root),
            "--report",
            str(report),
        ],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(report,),
        env=child_environment(dict(os.environ)),
        cwd="/",
        umask=0o077,
        start_new_session=True,
    )
