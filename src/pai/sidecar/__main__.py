"""`python3 -m pai.sidecar`: the sidecar's process."""

import argparse
import os
import re
import sys
from dataclasses import replace

from pai.errors import SpecError
from pai.sidecar.listeners import Ports
from pai.sidecar.process import serve
from pai.wire.bootstrap import BOOTSTRAP_PATH, read_bootstrap
from pai.wire.run import run

REPLICA = "PAI_REPLICA"
_NUMBER = re.compile("0|[1-9][0-9]{0,8}")


def main() -> int:
    """Run the sidecar; return its exit code."""
    parser = argparse.ArgumentParser(prog="pai.sidecar", description=__doc__)
    parser.add_argument("--bootstrap", default=BOOTSTRAP_PATH, help="file control put there")
    parser.add_argument(
        "--cluster", action="store_true", help="serve clients and probes of a pod, too"
    )
    parser.add_argument(
        "--restricted",
        action="store_true",
        help="listen where clients look by themselves: there are no redirect rules",
    )
    parser.add_argument(
        "--listen",
        type=_ports,
        default=Ports(),
        metavar="MODELS,DNS,PLAIN,INBOUND,TLS,ADDRESS[,PUBLIC,PROBES]",
        help="ports and address in place of the usual ones",
    )
    arguments = parser.parse_args()
    if arguments.restricted and not arguments.cluster:
        parser.error("--restricted goes with --cluster")
    ports: Ports = replace(arguments.listen, public=None, probes=None)
    if arguments.cluster:
        ports = arguments.listen.in_pod(restricted=arguments.restricted)
    try:
        replica = _replica(os.environ.get(REPLICA))
        bootstrap = read_bootstrap(arguments.bootstrap)
        return run(lambda stop: serve(stop, bootstrap, ports, replica))
    except (SpecError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _replica(text: str | None) -> int | None:
    """Read the replica's number, where the engine numbers pods.

    Raises SpecError: a wrong number would put records under another replica.
    """
    if text is None:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise SpecError(f"{REPLICA}: {text!r} is not a replica's number, 0 or more")
    return int(text)


def _ports(text: str) -> Ports:
    models, dns, plain, inbound, tls, address, *pod = text.split(",")
    usual = Ports(int(models), int(dns), int(plain), int(inbound), int(tls), address)
    return replace(usual, public=int(pod[0]), probes=int(pod[1])) if pod else usual


if __name__ == "__main__":
    sys.exit(main())
