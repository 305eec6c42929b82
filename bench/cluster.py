"""`python -m bench cluster`: figures of control on a real Kubernetes, each in one of its own.

`scripts/cluster.sh` makes the Kubernetes; what is measured inside comes back as a file.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.kubernetes.place import place_of_this_machine
from scripts.kubernetes.program import program_directory
from tests.cluster.stage.cluster import Cluster

from bench import cluster_crowd, cluster_start, timings
from bench.cluster_crowd import Crowd
from bench.kept import keep
from bench.timings import Timing

CROWDS = (("volumes", 200), ("plain", 200), ("plain", 1000))
_INSIDE = "--inside"
# What is measured of a crowd, how it is shown, and the aim where there is one.
_ROWS = (
    ("all reconciled, s", "reconciled", "{:.0f}"),
    ("nothing left to write, s", "settled", "{:.0f}"),
    ("control's writes an agent", "writes", "{:.1f}"),
    ("control's reads an agent", "reads", "{:.1f}"),
    ("looks an agent", "looks", "{:.1f}"),
    ("one look, ms (mean)", "look_ms", "{:.0f}"),
    ("99 of 100 looks within, ms", "look_p99_ms", "{:.0f}"),
    ("control's CPU an agent, ms", "cpu_ms", "{:.0f}"),
    ("the cluster's CPU an agent, ms", "cluster_cpu_ms", "{:.0f}"),
    ("memory before, MiB", "empty_mib", "{:.0f}"),
    ("memory at rest, MiB", "rest_mib", "{:.0f}"),
    ("CPU at rest, % of a core", "rest_percent", "{:.1f}"),
)
_AIMS = (
    "aims: 200 agents ≤ 128 MiB, ≤ 2 % of a core at rest, ≤ 12 writes an agent; "
    "1,000 reconciled in ≤ 120 s"
)


def main(words: Sequence[str]) -> int:
    """Measure everything, or (inside of a cluster) one part. Returns the exit code."""
    if words and words[0] == _INSIDE:
        _inside(*words[1:])
        return 0
    crowds = [
        Crowd(**_part(["--control-plane-only"], "crowd", shape, str(count)))
        for shape, count in CROWDS
    ]
    waits = [Timing(**each) for each in _part([], "start")]
    lines = [*crowd_table(crowds), "", *timings.table(waits)]
    print("\n".join(lines))
    run = {
        "crowds": [asdict(crowd) for crowd in crowds],
        "seconds": [asdict(wait) for wait in waits],
    }
    keep("cluster", run, lines, f"{os.cpu_count()} cores for the whole cluster")
    return 0


def _part(form: Sequence[str], *words: str) -> Any:
    """Return what is measured in a Kubernetes of its own."""
    print(f"· {' '.join(words)}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "measured.json"
        command = ["scripts/cluster.sh", *form, sys.executable, "-m", "bench", "cluster"]
        subprocess.run([*command, _INSIDE, str(file), *words], check=True)
        return json.loads(file.read_text())


def _inside(file: str, part: str, *words: str) -> None:
    cluster = Cluster(place_of_this_machine(program_directory()))
    with tempfile.TemporaryDirectory() as folder:
        if part == "crowd":
            shape, count = words
            crowd = cluster_crowd.measured(cluster, Path(folder), shape, int(count))
            measured: object = asdict(crowd)
        else:
            found = cluster_start.timings(cluster, Path(folder))
            measured = [asdict(timing) for timing in found]
    Path(file).write_text(json.dumps(measured))


def crowd_table(crowds: Sequence[Crowd]) -> list[str]:
    """Format what many agents cost, one column a crowd."""
    heads = "".join(f"{f'{crowd.agents} {crowd.shape}':>14}" for crowd in crowds)
    rows = [
        f"{name:32}" + "".join(f"{shown.format(getattr(crowd, field)):>14}" for crowd in crowds)
        for name, field, shown in _ROWS
    ]
    return [f"{'agents applied at once':32}{heads}", *rows, _AIMS]
