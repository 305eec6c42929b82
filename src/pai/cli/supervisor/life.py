"""The whole of one supervisor run, from the lock to the last child's end."""

import asyncio
import os
from datetime import datetime

from pai.cli.engine import bridge_address
from pai.cli.failures import CommandError
from pai.cli.locations import DataDir
from pai.cli.supervisor.core import Supervisor
from pai.cli.supervisor.credentials import fresh_credential
from pai.cli.supervisor.pidfile import PidFile, Running
from pai.cli.supervisor.plan import children
from pai.cli.supervisor.ports import check_ports
from pai.cli.supervisor.processes import end, identify, remembered
from pai.cli.supervisor.report import Reporter
from pai.clock import utc_now
from pai.control.settings import load_settings
from pai.errors import PaiError
from pai.ir.settings import Settings
from pai.store.instance_key import write_private

_ROLES = ("gateway", "edge")


class AlreadyRunningError(CommandError):
    """Another supervisor holds the data directory."""


def supervise(data: DataDir, reporter: Reporter) -> None:
    """Run the platform in `data` until SIGTERM or SIGINT; tells `reporter` and raises PaiError."""
    lock = PidFile(data.pid_file)
    if not lock.acquire():
        raise AlreadyRunningError(f"a platform runs already in {data.root}")
    try:
        settings = load_settings(data.settings)
        end(remembered(data.children).values())  # left behind where no kernel kills them for us
        bridge = asyncio.run(bridge_address(settings, data))
        check_ports(settings, bridge)
        for role in _ROLES:
            write_private(data.credential(role), fresh_credential().encode())
        lock.write(_who(settings, utc_now()))
        asyncio.run(Supervisor(data, reporter).run(children(settings, data, bridge)))
    except PaiError as error:
        reporter.failed(error.message, error.hint)
        raise
    finally:
        lock.release()


def _who(settings: Settings, now: datetime) -> Running:
    identity = identify(os.getpid())
    if identity is None:
        raise CommandError("this system has no /proc", hint="Linux, or a Linux virtual machine")
    return Running(
        identity,
        now.isoformat(timespec="seconds"),
        settings.api_port,
        settings.gateway_port,
        settings.edge_port,
    )
