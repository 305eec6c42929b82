"""`python3 -m pai.sidecar`: the sidecar's process."""

import argparse
import sys

from pai.errors import SpecError
from pai.sidecar.bootstrap import BOOTSTRAP_PATH, read_bootstrap
from pai.sidecar.listeners import Ports
from pai.sidecar.process import serve
from pai.wire.run import run


def main() -> int:
    """Run the sidecar; return its exit code."""
    parser = argparse.ArgumentParser(prog="pai.sidecar", description=__doc__)
    parser.add_argument("--bootstrap", default=BOOTSTRAP_PATH, help="file control put there")
    parser.add_argument(
        "--listen",
        type=_ports,
        default=Ports(),
        metavar="MODELS,DNS,PLAIN,INBOUND,TLS,ADDRESS",
        help="ports and address in place of the usual ones",
    )
    arguments = parser.parse_args()
    try:
        bootstrap = read_bootstrap(arguments.bootstrap)
        return run(lambda stop: serve(stop, bootstrap, arguments.listen))
    except (SpecError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _ports(text: str) -> Ports:
    *numbers, address = text.split(",")
    models, dns, plain, inbound, tls = map(int, numbers)
    return Ports(models, dns, plain, inbound, tls, address)


if __name__ == "__main__":
    sys.exit(main())
