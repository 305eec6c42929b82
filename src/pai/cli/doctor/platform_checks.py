"""What is ours: the data directory, ports, processes, control's answer."""

import os
import shutil
import stat
from collections.abc import Iterator

from pai.cli.client import PlatformClient, http_client
from pai.cli.locations import DataDir
from pai.cli.output.doctor import Check
from pai.cli.supervisor.pidfile import running
from pai.cli.supervisor.plan import children, listeners
from pai.cli.supervisor.ports import advice_for, port_problem
from pai.cli.supervisor.processes import remembered
from pai.errors import PaiError
from pai.ir.settings import Settings

_GIB = 1 << 30
_LITTLE_BYTES = 2 * _GIB
_TOO_LITTLE_BYTES = _GIB // 10


def data_directory(_: Settings, data: DataDir) -> Iterator[Check]:
    """Check that the data directory is ours alone and can be written."""
    if not data.root.exists():
        yield Check("data directory", "OK", f"{data.root} will be made by `pai up`")
        return
    status = data.root.stat()
    if status.st_uid != os.getuid():
        advice = "run as the user who owns it, or set PAI_DATA_DIR"
        yield Check("data directory", "FAIL", f"{data.root} belongs to another user", advice)
    elif not os.access(data.root, os.W_OK | os.X_OK):
        yield Check("data directory", "FAIL", f"{data.root} can't be written", "chmod 700 it")
    elif stat.S_IMODE(status.st_mode) & 0o077:
        found = f"{data.root} is open to other users"
        yield Check("data directory", "WARN", found, f"chmod 700 {data.root}")
    else:
        yield Check("data directory", "OK", str(data.root))
    yield from _private_files(data)


def disk_space(_: Settings, data: DataDir) -> Iterator[Check]:
    """Check that there is room where the data is."""
    place = next(path for path in (data.root, *data.root.parents) if path.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / _GIB:.1f} GiB free"
    advice = f"make room on the disk that holds {place}"
    if free < _TOO_LITTLE_BYTES:
        yield Check("disk space", "FAIL", found, advice)
    else:
        little = free < _LITTLE_BYTES
        yield Check("disk space", "WARN" if little else "OK", found, advice if little else "")


def ports(settings: Settings, data: DataDir) -> Iterator[Check]:
    """Check that every port is free, or held by the platform itself."""
    if running(data.pid_file) is not None:
        held = ", ".join(str(port) for _, port, _ in listeners(settings, None))
        yield Check("ports", "OK", f"{held}: held by the platform")
        return
    for address, port, setting in listeners(settings, None):
        problem = port_problem(address, port)
        name = f"port {port}"
        if problem:
            yield Check(name, "FAIL", f"{setting} {problem}", advice_for(setting))
        else:
            yield Check(name, "OK", f"{setting}: free")


def processes(settings: Settings, data: DataDir) -> Iterator[Check]:
    """Check that every process of a running platform is alive."""
    if running(data.pid_file) is None:
        yield Check("processes", "WARN", "the platform does not run", "pai up -d")
        return
    known = remembered(data.children)
    expected = {child.name for child in children(settings, data, None)}
    dead = sorted(name for name in expected if name not in known or not known[name].is_alive())
    if dead:
        advice = f"read {data.log(dead[0])}; it is started again by itself"
        yield Check("processes", "FAIL", f"not running: {', '.join(dead)}", advice)
    else:
        yield Check("processes", "OK", f"all {len(expected)} are alive")


def control(settings: Settings, data: DataDir) -> Iterator[Check]:
    """Check that control answers, on its socket and on its port."""
    if running(data.pid_file) is None:
        return
    server = f"http://127.0.0.1:{settings.api_port}"
    if not data.api_socket.exists():
        yield Check("api socket", "FAIL", "not there", f"read {data.log('control')}")
    sockets = [("api socket", str(data.api_socket))] if data.api_socket.exists() else []
    for name, socket in (*sockets, ("api port", None)):
        client = PlatformClient(http_client(server, None, socket), "default")
        try:
            version = client.version()["version"]
            yield Check(name, "OK", f"control {version} answers")
        except PaiError as error:
            yield Check(name, "FAIL", error.message, f"read {data.log('control')}")
        finally:
            client.close()


def _private_files(data: DataDir) -> Iterator[Check]:
    """Tell of files with secrets that others can read."""
    names = ("instance.key", "pai.db", "ledger.db", "run/api.sock", "run/internal.sock")
    files = [data.root / name for name in names]
    for file in files:
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield Check(str(file), "FAIL", "others can read it", f"chmod 600 {file}")
