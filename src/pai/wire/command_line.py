"""The arguments that the gateway's and the edge's processes have in common."""

import argparse
from collections.abc import Callable
from pathlib import Path

from pai.wire.bootstrap import read_bootstrap
from pai.wire.feed import ControlLink

Connect = Callable[[], ControlLink]
"""Makes a link to control; each has connections of its own."""


def add_common(parser: argparse.ArgumentParser, drain_seconds: float) -> None:
    """Add where control is, where probes are answered, and how the process ends."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--data", type=Path, metavar="DIR", help="data directory of a control on this machine"
    )
    source.add_argument(
        "--bootstrap", metavar="FILE", help="says how a control elsewhere is reached"
    )
    parser.add_argument(
        "--listen-probes", type=address, metavar="HOST:PORT", help="serve /livez and /readyz"
    )
    parser.add_argument(
        "--drain-lead-seconds",
        type=_seconds,
        default=0.0,
        metavar="N",
        help="when told to end: be unready and serve on for so long, then drain",
    )
    parser.add_argument(
        "--drain-seconds",
        type=_seconds,
        default=drain_seconds,
        metavar="N",
        help="longest wait for running requests at the end (default %(default)g)",
    )


def address(text: str) -> tuple[str, int]:
    """Read `HOST:PORT` or `[V6]:PORT`; HOST is an address."""
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text}: give HOST:PORT")
    return host.strip("[]"), int(port)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: give seconds, 0 to 3600")
    return value


def control(options: argparse.Namespace, role: str) -> Connect:
    """Return what connects to control.

    Raises SpecError when the bootstrap file is no good.
    """
    if options.bootstrap is None:
        return lambda: ControlLink.local(options.data, role)
    bootstrap = read_bootstrap(options.bootstrap)
    return lambda: ControlLink.remote(bootstrap)
