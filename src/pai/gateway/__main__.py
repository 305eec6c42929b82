"""Start one gateway worker, or a crew of them that shares its ports."""

import argparse
import sys
from pathlib import Path

from pai.errors import SpecError
from pai.gateway import crew, worker
from pai.wire import run
from pai.wire.command_line import add_common, address, control


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not (options.listen or options.listen_tls):
        parser.error("give --listen or --listen-tls")
    try:
        connect = control(options, "gateway")
        if options.workers is not None:
            return run.run(lambda stop: crew.serve(options, stop))
        return run.run(lambda stop: worker.serve(options, connect, stop))
    except SpecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pai.gateway", description=__doc__)
    add_common(parser, worker.DRAIN_SECONDS)
    number = parser.add_mutually_exclusive_group(required=True)
    number.add_argument("--worker", type=int, metavar="I", help="be this worker")
    number.add_argument("--workers", type=_count, metavar="N", help="keep N workers running")
    for flag, help_text in (
        ("--listen", "plain HTTP; may be given more than once"),
        ("--listen-tls", "TLS with control's certificate, once it came; likewise"),
    ):
        parser.add_argument(
            flag, action="append", default=[], type=address, metavar="HOST:PORT", help=help_text
        )
    parser.add_argument(
        "--listen-metrics",
        type=address,
        metavar="HOST:PORT",
        help="the figures of all workers, for who has the metrics token; plain HTTP",
    )
    parser.add_argument(
        "--sockets", type=Path, metavar="DIR", help="where the workers of a crew find each other"
    )
    parser.add_argument(
        "--status-fd", type=int, help="pipe on which a worker tells its crew that it is well"
    )
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 256:
        raise argparse.ArgumentTypeError(f"{text}: give 1 to 256")
    return number


if __name__ == "__main__":
    sys.exit(main())
