"""How long people wait: `pai up`, apply to Running, a rotated secret."""

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.stage.installation import Platform, agent_yaml, secrets_yaml, services_yaml
from tests.e2e.stage.internet import open_internet

RUNS = 3
NOTE = """
import os, urllib.request, urllib.error
request = urllib.request.Request("https://api.notes.test/notes", data=b"x", headers={
    "authorization": "Bearer " + os.environ["NOTES_TOKEN"]})
try: print(urllib.request.urlopen(request, timeout=5).status)
except urllib.error.HTTPError as error: print(error.code)
"""
SECRET = """
apiVersion: pai.io/v1
kind: Secret
metadata: {{name: notes-key}}
stringData: {{token: {}}}
"""


@dataclass
class Timing:
    """Seconds of each run of one thing, and its aim."""

    name: str
    engine: str
    seconds: list[float]
    aim: float

    @property
    def median(self) -> float:
        """The middle run."""
        return sorted(self.seconds)[len(self.seconds) // 2]


def engines() -> list[tuple[str, str]]:
    """Return the engines to measure on, as the tests name them."""
    named = os.environ.get("PAI_TEST_ENGINES", "auto=auto")
    return [(name, url) for name, _, url in (entry.partition("=") for entry in named.split(","))]


def timings(folder: Path) -> list[Timing]:
    """Measure on every engine."""
    found = []
    for name, url in engines():
        world = open_internet(Path(tempfile.mkdtemp(dir=folder)))
        platform = Platform(Path(tempfile.mkdtemp(dir=folder)), name, url, world)
        platform.write_settings()
        try:
            found += measured(platform)
        finally:
            platform.down()
            world.close()
    return found


def measured(platform: Platform) -> list[Timing]:
    """Measure on one platform."""
    up, running = [], []
    for _ in range(RUNS):
        up.append(took(platform.up))
        platform.down()
    platform.up()
    platform.apply(secrets_yaml(platform.world) + services_yaml())
    for number in range(RUNS):
        agent = agent_yaml(f"bench{number}")
        running.append(took(lambda text=agent: platform.apply(text, "--wait")))  # type: ignore[misc]
    rotation = [rotated(platform, f"wrong-{number}") for number in range(RUNS)]
    return [
        Timing("pai up ready", platform.engine, up, 3.0),
        Timing("apply to Running", platform.engine, running, 3.0),
        Timing("rotated secret in use", platform.engine, rotation, 5.0),
    ]


def rotated(platform: Platform, wrong: str) -> float:
    """Return how long until a new value was used, from the apply's start."""
    started = time.monotonic()
    platform.apply(SECRET.format(wrong))
    while json.loads(platform.run_in("bench0", NOTE)) != 401:
        if time.monotonic() - started > 30:
            raise RuntimeError("the new secret was never used")
    seconds = time.monotonic() - started
    platform.apply(SECRET.format(platform.world.notes_key))
    while json.loads(platform.run_in("bench0", NOTE)) != 201:
        time.sleep(0.05)
    return seconds


def took(act: Callable[[], object]) -> float:
    """Return the seconds that `act` takes, its command's start-up included."""
    started = time.monotonic()
    act()
    return time.monotonic() - started


def table(found: list[Timing]) -> list[str]:
    """Format the waits."""
    return [
        f"{t.name:24}{t.engine:8}{t.median:6.2f} s  aim ≤ {t.aim:.0f} s   "
        f"({', '.join(f'{s:.2f}' for s in t.seconds)})"
        for t in found
    ]
