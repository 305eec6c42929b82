"""`python -m pai.control --data DATA`: started by the supervisor."""

import argparse
import asyncio
import sys
from pathlib import Path

import uvloop

from pai.control.process import run
from pai.errors import PaiError


def main() -> int:
    """Run control; the exit code is 1 when it can't start, with one line that says why."""
    parser = argparse.ArgumentParser(prog="pai.control")
    parser.add_argument("--data", type=Path, required=True, help="data directory")
    arguments = parser.parse_args()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(arguments.data.absolute()))
    except PaiError as error:
        hint = f"\nhint:  {error.hint}" if error.hint else ""
        print(f"error: {error.message}{hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
