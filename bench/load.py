"""Load from wrk, and what one measurement gives."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.call import Call
from bench.process import Running

SCRIPT = """
wrk.method = "POST"
wrk.body = [[%s]]
wrk.headers["content-type"] = "application/json"
wrk.headers["Host"] = "%s"
%s"""
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}


@dataclass
class Figures:
    """One measurement. Units: microseconds; p50 and p99 are those of a client alone."""

    name: str
    cpu_us: float
    p50_us: float
    p99_us: float
    per_second: float
    rss_mib: float
    errors: int


def measure(
    name: str,
    call: Call,
    target: Running,
    *,
    seconds: int = 5,
    connections: int = 16,
) -> Figures:
    """Load a proxy and return what it cost `target`. A short run before it is not counted."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(script_of(call))
        script.flush()
        wrk(call.url, script.name, 1, connections)
        before = target.cpu_seconds()
        printed = wrk(call.url, script.name, seconds, connections)
        cpu = target.cpu_seconds() - before
        alone = wrk(call.url, script.name, 2, 1)  # under full load latency would show the queue
    requests = int(found(r"(\d+) requests in", printed))
    return Figures(
        name=name,
        cpu_us=cpu / max(1, requests) * 1e6,
        p50_us=latency("50%", alone),
        p99_us=latency("99%", alone),
        per_second=float(found(r"Requests/sec:\s+([\d.]+)", printed)),
        rss_mib=target.rss_mib(),
        errors=refused(printed) + refused(alone),
    )


def script_of(call: Call) -> str:
    """Return the program that makes wrk send `call`."""
    headers = "".join(
        f'wrk.headers["{name}"] = "{value}"\n' for name, value in call.headers.items()
    )
    return SCRIPT % (call.body, call.host, headers)


# wrk has no option for an address: a mount namespace of its own holds a hosts file
OWN_HOSTS = 'mount --bind "$0" /etc/hosts && exec taskset -c 1 "$@"'


def wrk(url: str, script: str, seconds: int, connections: int) -> str:
    """Run wrk once and return what it printed. Names under `.test` are this machine."""
    load = [executable("wrk", "wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    with tempfile.NamedTemporaryFile("w") as hosts:
        hosts.write("127.0.0.1 localhost api.bench.test\n")
        hosts.flush()
        enter = ["unshare", "--mount", "sh", "-c", OWN_HOSTS, hosts.name]
        command = [*enter, *load, "-s", script, url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"wrk: {done.stderr or done.stdout}")
    return done.stdout


def found(pattern: str, text: str, default: str | None = None) -> str:
    """Return the first group of `pattern` in wrk's output."""
    match = re.search(pattern, text)
    if match:
        return match[1]
    if default is None:
        raise RuntimeError(f"wrk printed no {pattern}:\n{text}")
    return default


def refused(text: str) -> int:
    """Return how many answers were not good ones, or none. A late one is one."""
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+)", text)
    count = sum(map(int, broken.groups())) if broken else 0
    return count + int(found(r"Non-2xx or 3xx responses: (\d+)", text, "0"))


def latency(quantile: str, text: str) -> float:
    """Return a latency quantile in microseconds."""
    match = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s)", text)
    if not match:
        raise RuntimeError(f"wrk printed no {quantile}:\n{text}")
    return float(match[1]) * UNITS[match[2]]


def executable(name: str, package: str) -> str:
    """Return the path of a program, or say how to get it."""
    for folder in ("/usr/sbin", "/usr/bin", "/usr/local/bin"):
        if (Path(folder) / name).exists():
            return str(Path(folder) / name)
    raise SystemExit(f"error: {name} is missing\nhint:  apt-get install {package}")
