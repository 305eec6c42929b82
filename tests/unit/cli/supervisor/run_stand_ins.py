"""A supervisor of stand-in children, as a process of its own for the tests.

`python run_stand_ins.py DATA SCRIPT...`: one child for each Python script. Reports go to stdout.
"""

import asyncio
import sys
from pathlib import Path

from pai.cli.failures import CommandError
from pai.cli.locations import DataDir
from pai.cli.supervisor.core import Supervisor
from pai.cli.supervisor.plan import Child, Probe


class Printer:
    """Prints every report."""

    def progress(self, text: str) -> None:
        print(f"progress {text}", flush=True)

    def ready(self, seconds: float) -> None:
        print("ready", flush=True)

    def failed(self, text: str, hint: str | None) -> None:
        print(f"failed {text}", flush=True)

    def line(self, process: str, text: str) -> None:
        print(f"{process}: {text}", flush=True)


def main() -> None:
    data = DataDir(Path(sys.argv[1]))
    data.make()
    children = [
        Child(
            Path(script).stem,
            (sys.executable, "-u", script, str(data.root)),
            Probe(socket=data.run / f"{Path(script).stem}.sock"),
            stage=int(Path(script).stem != "control"),
        )
        for script in sys.argv[2:]
    ]
    supervisor = Supervisor(data, Printer(), ready_seconds=20, drain_seconds=1)
    try:
        asyncio.run(supervisor.run(children))
    except CommandError as error:
        print(f"error {error.message}", flush=True)
        raise SystemExit(1) from None
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
