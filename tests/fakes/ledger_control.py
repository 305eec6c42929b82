"""A control that is nothing but its ledger: `python -m tests.fakes.ledger_control URL SOCKET`.

Each line it gets on its Unix socket is a call, `leases BODY` or `settlements BODY`; the line it
answers is the answer, empty when the database is out of reach. Now and then it dies just before it
would answer: what was committed then, nobody heard of.
"""

import os
import random
import signal
import socketserver
import sys

from pai.errors import TransientError
from pai.ledger import handle_leases, handle_settlements, open_ledger

NOW = 1_767_268_800.0  # 2026-01-01, noon
DAY = "2026-01-01"
DIES_ONE_IN = 150
AGENT, MODEL = "agent:ns/a", "model:ns/m"
LIMITS: dict[str, int | None] = {AGENT: 40_000, MODEL: None}


def main(url: str, path: str) -> None:
    """Serve until killed."""
    ledger = open_ledger(url)

    class Call(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                name, _, body = line.rstrip(b"\n").partition(b" ")
                try:
                    if name == b"leases":
                        answer = handle_leases(ledger, body, LIMITS.__getitem__, NOW)
                    else:
                        answer = handle_settlements(ledger, body, NOW)
                except TransientError as error:
                    print(error, file=sys.stderr, flush=True)
                    answer = b""
                if random.random() * DIES_ONE_IN < 1:
                    os.kill(os.getpid(), signal.SIGKILL)
                self.wfile.write(answer + b"\n")

    with socketserver.ThreadingUnixStreamServer(path, Call) as server:
        server.serve_forever(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
