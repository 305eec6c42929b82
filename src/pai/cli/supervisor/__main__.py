"""The detached supervisor: `python -m pai.cli.supervisor --data DATA --report DESCRIPTOR`."""

import argparse
import sys
from pathlib import Path

from pai.cli.locations import DataDir
from pai.cli.supervisor.life import supervise
from pai.cli.supervisor.report import PipeReporter
from pai.errors import PaiError


def main() -> int:
    """Supervise until stopped; the pipe and the log tell what happens."""
    parser = argparse.ArgumentParser(prog="pai.cli.supervisor")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--report", type=int, required=True)
    arguments = parser.parse_args()
    reporter = PipeReporter(arguments.report)
    try:
        supervise(DataDir(arguments.data), reporter)
    except PaiError as error:
        reporter.failed(error.message, error.hint)
        print(error.message, file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a directory taken away
        text = f"{error.filename or arguments.data}: {error.strerror}"
        reporter.failed(text, "pai doctor")
        print(text, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
