"""`pai up`: check first, then start, attached to the terminal or not."""

import sys
import time
from collections.abc import Mapping
from typing import TextIO

from pai.cli import terminal
from pai.cli.contexts import LOCAL, Context
from pai.cli.engine import check_engine
from pai.cli.failures import CommandError
from pai.cli.locations import DataDir
from pai.cli.output.paint import Paint
from pai.cli.output.plain import pairs, printable
from pai.cli.session import load_contexts, save_contexts
from pai.cli.settings_file import Value, keep
from pai.cli.supervisor.credentials import digest, new_token
from pai.cli.supervisor.daemon import start_detached
from pai.cli.supervisor.life import supervise
from pai.cli.supervisor.pidfile import Running, is_locked, running
from pai.control.settings import load_settings
from pai.ir.settings import Settings
from pai.store.instance_key import write_private

_TAKES_ITS_TIME_SECONDS = 5.0


def up(data: DataDir, flags: Mapping[str, Value], *, detach: bool) -> None:
    """Start the platform in `data`; when it runs already, say where.

    Raises CommandError with what is missing, before anything was started.
    """
    data.make()
    if is_locked(data.pid_file):
        _say_it_runs(data, flags)
        return
    keep(data.settings, flags)
    settings = load_settings(data.settings)
    check_engine(settings)
    _write_context(data, settings)
    if detach:
        seconds = start_detached(data, lambda text: terminal.note(f"  {text}"))
        terminal.show(_ready(settings, seconds))
    else:
        supervise(data, TerminalReporter(settings))


class TerminalReporter:
    """Shows what the supervisor tells, and every line of every child."""

    def __init__(self, settings: Settings, stream: TextIO | None = None) -> None:
        self._settings = settings
        self._stream = stream or sys.stdout
        self._paint: Paint = terminal.paint(self._stream)

    def progress(self, text: str) -> None:
        """Show a step."""
        self._write(f"  {text}\n")

    def ready(self, seconds: float) -> None:
        """Show where everything is."""
        self._write(_ready(self._settings, seconds) + "Ctrl-C stops it\n")

    def failed(self, text: str, hint: str | None) -> None:
        """The error itself is shown by the command's end."""

    def line(self, process: str, text: str) -> None:
        """Show a child's line behind its name."""
        self._write(f"{self._paint.dim(f'{process:>10} |')} {printable(text)}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def addresses(api_port: int, gateway_port: int, edge_port: int) -> str:
    """Return where the platform is."""
    return pairs(
        [
            ("API", f"http://127.0.0.1:{api_port}"),
            ("Gateway", f"http://127.0.0.1:{gateway_port}"),
            ("Agents", f"http://ID.localhost:{edge_port}"),
        ],
        indent="  ",
    )


def _ready(settings: Settings, seconds: float) -> str:
    where = addresses(settings.api_port, settings.gateway_port, settings.edge_port)
    return f"pai is ready ({seconds:.1f} s)\n{where}"


def _say_it_runs(data: DataDir, flags: Mapping[str, Value]) -> None:
    found = _described(data)
    if found is None:
        terminal.show(f"pai is starting in {data.root}\n")
        return
    settings = load_settings(data.settings)
    wire = {name: getattr(settings, field) for name, field in _FIELDS.items()}
    changed = [name for name, value in flags.items() if wire[name] != value]
    if changed:
        raise CommandError(
            f"pai runs already with another {', '.join(changed)}", hint="pai down, then again"
        )
    where = addresses(found.api_port, found.gateway_port, found.edge_port)
    terminal.show(
        f"pai is running since {found.since} (pid {found.supervisor.pid})\n{where}"
        + pairs([("Data", str(data.root))], indent="  ")
    )


_FIELDS = {
    "public": "public",
    "apiPort": "api_port",
    "gatewayPort": "gateway_port",
    "edgePort": "edge_port",
    "engine": "engine",
}


def _described(data: DataDir) -> Running | None:
    """Return what the running supervisor says of itself; it may have to start first."""
    deadline = time.monotonic() + _TAKES_ITS_TIME_SECONDS
    while time.monotonic() < deadline and is_locked(data.pid_file):
        found = running(data.pid_file)
        if found is not None:
            return found
        time.sleep(0.1)
    return None


def _write_context(data: DataDir, settings: Settings) -> None:
    """Put the platform into the context `local`, with a token that control will accept."""
    known = load_contexts()
    before = known.by_name.get(LOCAL)
    token = before.token if before and before.token else new_token()
    context = Context(
        server=f"http://127.0.0.1:{settings.api_port}",
        token=token,
        socket=str(data.api_socket),
        namespace=before.namespace if before else "default",
        env=before.env if before else {},
    )
    save_contexts(known.with_context(LOCAL, context, use=True))
    write_private(data.token_digest, digest(token).encode())
