"""`pai down`: end the supervisor and with it every process, then the agents' containers."""

import signal
import time

from pai.cli import terminal
from pai.cli.engine import remove_containers
from pai.cli.failures import CommandError
from pai.cli.locations import DataDir
from pai.cli.output.plain import plural
from pai.cli.supervisor.pidfile import Running, is_locked, running
from pai.cli.supervisor.processes import end, remembered
from pai.control.settings import load_settings
from pai.errors import PaiError

# Two stages of children, each with its own time to drain, and a little for the supervisor.
STOP_SECONDS = 25.0
_POLL_SECONDS = 0.05


def down(data: DataDir, *, keep_agents: bool) -> None:
    """Stop the platform in `data`; safe when nothing runs.

    Raises PaiError when a process can't be stopped or the engine is out of reach.
    """
    was_running = stop_processes(data)
    terminal.show("pai is stopped\n" if was_running else "pai was not running\n")
    if keep_agents or not data.root.exists():
        return
    try:
        removed = remove_containers(load_settings(data.settings), data)
    except PaiError as error:
        raise CommandError(
            f"the processes are stopped, the agents' containers are not: {error.message}",
            hint=error.hint or "pai doctor",
        ) from error
    if removed:
        terminal.show(f"{plural(removed, 'container')} removed; volumes and resources stay\n")


def stop_processes(data: DataDir) -> bool:
    """End the supervisor and its children; say whether one was running."""
    if not is_locked(data.pid_file):
        end(remembered(data.children).values())
        return False
    found = _supervisor(data)
    found.supervisor.signal(signal.SIGTERM)
    if not _ended(data, found, STOP_SECONDS):
        found.supervisor.signal(signal.SIGKILL)  # the kernel takes its children along
        if not _ended(data, found, 5.0):
            raise CommandError(f"the supervisor (pid {found.supervisor.pid}) does not end")
        end(remembered(data.children).values())
    return True


def _supervisor(data: DataDir) -> Running:
    """Return who holds the lock; it may have taken it only just now."""
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        found = running(data.pid_file)
        if found is not None:
            return found
        time.sleep(_POLL_SECONDS)
    raise CommandError(f"{data.pid_file}: locked, and it does not say by whom")


def _ended(data: DataDir, found: Running, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_locked(data.pid_file) or found.supervisor.is_alive():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
