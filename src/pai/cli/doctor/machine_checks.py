"""The machine: packet redirection, cgroups, the clock."""

import time
from collections.abc import Iterator
from pathlib import Path

from pai.cli.locations import DataDir
from pai.cli.output.doctor import Check
from pai.clock import utc_now
from pai.ir.settings import Settings

_MODULES = ("nf_nat", "nf_conntrack")
# Nothing of this program was written before; a clock that says so is wrong.
_EARLIEST_YEAR = 2025
_MAX_DRIFT_SECONDS = 2.0
_MAX_SKEW_SECONDS = 120.0


def redirection(_: Settings, __: DataDir) -> Iterator[Check]:
    """Check that the kernel can rewrite addresses, which keeps agents' traffic in the sidecar."""
    tables = [Path("/proc/net/ip_tables_names"), Path("/proc/net/ip6_tables_names")]
    known = Path("/proc/modules")
    loaded = known.read_text() if known.exists() else ""
    built = Path("/proc/sys/net/netfilter")
    if built.exists() or any(path.exists() for path in tables):
        yield Check("packet rules", "OK", "netfilter is there")
    elif any(f"{module} " in loaded for module in _MODULES):
        yield Check("packet rules", "OK", "netfilter modules are loaded")
    else:
        advice = "modprobe nf_nat xt_REDIRECT xt_owner; without them no agent can start"
        yield Check("packet rules", "WARN", "netfilter was not found in /proc", advice)


def cgroups(_: Settings, __: DataDir) -> Iterator[Check]:
    """Check that limits of memory and processes can be set."""
    unified = Path("/sys/fs/cgroup/cgroup.controllers")
    if unified.exists():
        controllers = set(unified.read_text().split())
        version = "version 2"
    else:
        controllers = _version_one(Path("/proc/cgroups"))
        version = "version 1"
    missing = sorted({"memory", "pids", "cpu"} - controllers)
    if not missing:
        yield Check("cgroups", "OK", version)
        return
    advice = "spec.resources and the limit of processes have no effect until they are enabled"
    yield Check("cgroups", "WARN", f"{version}, without {', '.join(missing)}", advice)


def clock(_: Settings, data: DataDir) -> Iterator[Check]:
    """Check that the clock goes at the right pace, and is not far from where it can be."""
    now = utc_now()
    drift = _drift_seconds()
    newest = _newest_change(data)
    shown = now.isoformat(timespec="seconds")
    advice = "set the clock (timedatectl set-ntp true): certificates and budgets depend on it"
    if now.year < _EARLIEST_YEAR:
        yield Check("clock", "FAIL", f"{shown} can't be", advice)
    elif newest - now.timestamp() > _MAX_SKEW_SECONDS:
        behind = int(newest - now.timestamp())
        yield Check("clock", "FAIL", f"{behind} s behind the platform's own files", advice)
    elif abs(drift) > _MAX_DRIFT_SECONDS:
        yield Check("clock", "WARN", f"it jumped by {drift:.1f} s during a short look", advice)
    else:
        yield Check("clock", "OK", shown)


def _drift_seconds() -> float:
    wall, steady = time.time(), time.monotonic()
    time.sleep(0.05)
    return (time.time() - wall) - (time.monotonic() - steady)


def _newest_change(data: DataDir) -> float:
    """Return when a file of the platform was last written; 0 when there is none."""
    files = [*data.root.glob("*.db"), *data.logs.glob("*.log")]
    return max((file.stat().st_mtime for file in files), default=0.0)


def _version_one(path: Path) -> set[str]:
    if not path.exists():
        return set()
    lines = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    return {fields[0] for fields in lines if fields[3] == "1"}
