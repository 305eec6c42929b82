"""Portkey's gateway on Node; who asks is not looked at, provider and host come as headers.

Its Node is the one that its own image has, and its HTTP server is held at 1.13: with later ones of
the range that it accepts, every stream ends in a 500 (`immutable`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.call import bearer
from bench.peers.place import PLACE, program
from bench.process import free_port, running
from bench.target import Target, Way

_START = "portkey/node/node_modules/@portkey-ai/gateway/build/start-server.js"


@contextmanager
def portkey(folder: Path, upstream: int) -> Iterator[Target]:
    """Run the gateway without its console."""
    port = free_port()
    command = [program("portkey", "node"), str(PLACE / _START), f"--port={port}", "--headless"]
    env = {"NODE_ENV": "production"}
    with running(
        command, ready=port, cpu=0, env=env, log=folder / "portkey.log", patience_seconds=60
    ) as started:
        yield Target(
            name="portkey",
            port=port,
            running=started,
            native=Way("gpt-test", _headers("openai", upstream)),
            translated=Way("claude-sonnet-4-5", _headers("anthropic", upstream)),
            idle_mib=started.rss_mib(),
        )


def _headers(provider: str, upstream: int) -> dict[str, str]:
    return {
        **bearer("sk-bench-key-0123456789"),
        "x-portkey-provider": provider,
        "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
    }
