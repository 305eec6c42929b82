"""The platform as the demo drives it: by its command line, like a person."""

import json
import subprocess
import time
import tomllib
from pathlib import Path
from typing import Any

import httpx
import tomli_w
from scripts.demonstration.failure import DemoError
from scripts.engine_api import Engine

from pai.cli.locations import data_dir
from pai.render.names import network_name

ROOT = Path(__file__).resolve().parents[2]
PAI = str(ROOT / ".venv" / "bin" / "pai")


def pai(*words: str, stdin: str = "") -> str:
    """Run `pai WORDS` and return what it printed. Raises DemoError with its own error."""
    done = subprocess.run([PAI, *words], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"pai {' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def instance() -> str | None:
    """Return the running platform's instance, or None when nothing runs."""
    known = json.loads(pai("version", "-o", "json"))
    return str(known["instance"]) if known.get("instance") else None


def start(engine: str) -> str:
    """Start the platform unless it runs; return its instance."""
    settings = _settings()
    if "engine" not in settings:
        _write({**settings, "engine": engine})
    pai("up", "-d")  # says so and ends well when it runs; another one on our ports is its error
    running = instance()
    if running is None:
        raise DemoError("pai up -d: it says it is up, and can't be reached")
    return running


def bridge_address(engine_url: str, name: str) -> str:
    """Return this machine's address on the platform's bridge, where containers find it."""
    with Engine(engine_url) as engine:
        network: dict[str, Any] = engine.call("GET", f"/networks/{network_name(name)}").json()
    for block in network["IPAM"]["Config"]:
        if block.get("Gateway"):
            return str(block["Gateway"])
    raise DemoError(f"network {network_name(name)} has no address of this machine")


def know_outside(host: str, address: str, ca_file: Path) -> bool:
    """Tell the platform where the demo's service is, in settings.toml; return whether it was news.

    Raises DemoError when another extraCaFile is set: that one is the user's.
    """
    settings = _settings()
    given = settings.get("extraCaFile", str(ca_file))
    if given != str(ca_file):
        raise DemoError(f"{data_dir().settings}: extraCaFile is {given}; the demo needs its own")
    hosts = {**settings.get("staticHosts", {}), host: address}
    wanted = {**settings, "extraCaFile": str(ca_file), "staticHosts": hosts}
    if wanted == settings:
        return False
    _write(wanted)
    return True


def engine_url(default: str) -> str:
    """Return the engine that the platform uses."""
    found = str(_settings().get("engine", default))
    return found if found.startswith("unix://") else default


def agent_status(name: str) -> dict[str, Any]:
    """Return an agent's status."""
    status: dict[str, Any] = json.loads(pai("get", "agents", name, "-o", "json"))["status"]
    return status


def wait_for_tokens(name: str, beyond: int, seconds: float = 5.0) -> None:
    """Wait until the ledger knows of the work: the gateway settles once a second."""
    end = time.monotonic() + seconds
    while agent_status(name).get("tokensToday", 0) <= beyond and time.monotonic() < end:
        time.sleep(0.2)


def post_work(url: str, text: str) -> dict[str, Any]:
    """Post a text to the agent's URL and return its answer.

    `*.localhost` is this machine for every browser, but not for every resolver: dialled as such.
    """
    target = httpx.URL(url)
    host = "127.0.0.1" if target.host.endswith(".localhost") else target.host
    headers = {"host": target.netloc.decode(), "content-type": "text/plain"}
    try:
        answer = httpx.post(
            target.copy_with(host=host), content=text, headers=headers, timeout=120, trust_env=False
        )
    except httpx.HTTPError as error:
        raise DemoError(f"{url}: {error}") from error
    if answer.status_code != 201:
        raise DemoError(f"{url}: {answer.status_code}: {answer.text[:300]}")
    done: dict[str, Any] = answer.json()
    return done


def _settings() -> dict[str, Any]:
    file = data_dir().settings
    return tomllib.loads(file.read_text()) if file.exists() else {}


def _write(settings: dict[str, Any]) -> None:
    place = data_dir()
    place.make()
    fresh = place.settings.with_suffix(".new")
    fresh.write_text(tomli_w.dumps(settings))
    fresh.rename(place.settings)
