"""How often the machine itself stands still: what a program sees that does nothing but look.

`python -m bench.stalls SECONDS` prints the stops of the core it is on as JSON. On a virtual machine
with busy cores the host takes them away now and then; what is due then waits, whoever serves it.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

SECONDS = 5.0
STOP_SECONDS = 0.5e-3  # longer than anything that a program that is not stopped does in between


@dataclass
class Stalls:
    """The stops of one core while all are busy. longest_ms: 0 = none. share: of the time."""

    core: int
    per_second: float
    longest_ms: float
    share: float


def stalls(seconds: float = SECONDS) -> list[Stalls]:
    """Look at all cores at once."""
    command = [sys.executable, "-m", "bench.stalls", str(seconds)]
    looking = [
        (core, subprocess.Popen(["taskset", "-c", str(core), *command], stdout=subprocess.PIPE))
        for core in range(os.cpu_count() or 1)
    ]
    return [summary(core, json.loads(each.communicate()[0]), seconds) for core, each in looking]


def summary(core: int, stops: list[float], seconds: float) -> Stalls:
    """Sum up the stops, in seconds, of one core in `seconds`."""
    longest = max(stops, default=0.0)
    return Stalls(core, len(stops) / seconds, longest * 1000, sum(stops) / seconds)


def stops_of(seconds: float) -> list[float]:
    """Return how long each stop of this core was. Unit: seconds."""
    found = list[float]()
    last = time.perf_counter()
    until = last + seconds
    while last < until:
        now = time.perf_counter()
        if now - last > STOP_SECONDS:
            found.append(now - last)
        last = now
    return found


if __name__ == "__main__":
    print(json.dumps(stops_of(float(sys.argv[1]))))
