"""TensorZero's gateway as its Python package has it: in a process that only holds it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers.place import program
from bench.process import Running, running, wait_for_port
from bench.target import Target, Way

_PATH = "/openai/v1/chat/completions"
_MODEL = "tensorzero::model_name::{}"
_CONFIG = """\
[gateway]
observability.enabled = false

[models.gpt]
routing = ["mock"]

[models.gpt.providers.mock]
type = "openai"
model_name = "gpt-test"
api_base = "http://127.0.0.1:{upstream}/v1/"
api_key_location = "env::BENCH_KEY"

[models.claude]
routing = ["mock"]

[models.claude.providers.mock]
type = "anthropic"
model_name = "claude-sonnet-4-5"
api_base = "http://127.0.0.1:{upstream}/v1/"
api_key_location = "env::BENCH_KEY"
"""
# Its package has the gateway for clients of OpenAI's SDK only; the SDK is not used further.
_PROGRAM = """\
import sys, time, warnings
warnings.simplefilter("ignore")
import openai, tensorzero
client = openai.OpenAI(api_key="unused")
tensorzero.patch_openai_client(client, config_file=sys.argv[1], async_setup=False)
with open(sys.argv[2], "w") as file:
    file.write(f"{client.base_url.port}\\n")
while True:
    time.sleep(3600)
"""
_START_SECONDS = 120.0


@contextmanager
def tensorzero(folder: Path, upstream: int) -> Iterator[Target]:
    """Run the embedded gateway without its database, so without what it observes."""
    config, told, log = folder / "tensorzero.toml", folder / "port", folder / "tensorzero.log"
    config.write_text(_CONFIG.format(upstream=upstream))
    command = [program("tensorzero", "python"), "-c", _PROGRAM, str(config), str(told)]
    with running(command, cpu=0, env={"BENCH_KEY": "sk-bench-0123456789"}, log=log) as started:
        port = _port(started, told, log)
        yield Target(
            name="tensorzero",
            port=port,
            running=started,
            native=Way(_MODEL.format("gpt"), path=_PATH),
            translated=Way(_MODEL.format("claude"), path=_PATH),
            idle_mib=started.rss_mib(),
        )


def _port(started: Running, told: Path, log: Path) -> int:
    """Wait for the port that the gateway has chosen."""
    until = time.monotonic() + _START_SECONDS
    while not (told.exists() and told.read_text().endswith("\n")):
        if started.process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"tensorzero does not start\n{log.read_text()}")
        time.sleep(0.05)
    port = int(told.read_text())
    wait_for_port(started.process, port, log)
    return port
