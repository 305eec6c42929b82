"""Control killed -9 at random points over a real engine: it converges and leaves nothing behind."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fakes.control import Ports, write_credentials, write_settings
from tests.fakes.crashing_control import over_real_engine
from tests.fakes.storm import Storm

from pai.store.instance_key import instance_id, load_or_create

ROUNDS = 25  # on each engine; fifty times in memory: tests/contract
PAUSE = {"image": "localhost/pai:latest", "command": ["/opt/pai/bin/launcher", "pause"]}
VOLUME = {"name": "data", "mountPath": "/data", "size": "1Gi"}


@pytest.mark.engine
@pytest.mark.slow
def test_kill_9_over_a_real_engine(engine: tuple[str, str], tmp_path: Path) -> None:
    name, url = engine
    ports = Ports()
    write_settings(tmp_path, ports, engine=f'"{url}"')
    write_credentials(tmp_path)
    instance = instance_id(load_or_create(tmp_path / "instance.key"))
    storm = Storm(tmp_path, ports.api, 7, {**PAUSE, "volumes": [VOLUME]}, names=("red", "green"))
    for seed in range(1, ROUNDS + 1):
        storm.round(over_real_engine, seed, longest=1.0)
    assert storm.kills == ROUNDS
    process = storm.start(over_real_engine, 0)
    try:
        assert storm.serves(process)
        with storm.client() as http:
            wanted = storm.check(http)
            settled = {agent: count for agent, count in wanted.items() if count}
            assert seen_in_time(url, instance, settled) == settled, name
            for agent in wanted:
                storm.remove(http, agent)
            assert storm.check(http) == {}
    finally:
        process.terminate()
        process.join(20)
        process.close()
    with api(url) as http:
        assert listed(http, "/containers/json", instance) == []
        assert {item["Labels"]["pai.io/volume"] for item in listed(http, "/volumes", instance)} <= {
            "data"  # of agents that were deleted without their data
        }
        for item in listed(http, "/volumes", instance):
            http.delete(f"/volumes/{item['Name']}")
        http.delete(f"/networks/pai-{instance}")


def seen_in_time(url: str, instance: str, wanted: dict[str, int]) -> dict[str, int]:
    """Return what the engine holds once it is as wanted, or after a minute.

    An engine may still carry out what a control asked for that died meanwhile; such an object
    appears late, and is swept away with the next look at all of them.
    """
    end = time.monotonic() + 60
    while (found := agents_in(url, instance)) != wanted and time.monotonic() < end:
        time.sleep(0.5)
    return found


def agents_in(url: str, instance: str) -> dict[str, int]:
    """Return running agent containers by agent; every container must belong to one of these."""
    with api(url) as http:
        found = listed(http, "/containers/json", instance)
    counts: dict[str, int] = {}
    for item in found:
        marks = item["Labels"]
        running = marks["pai.io/step"] == "agent" and item["State"] == "running"
        counts[marks["pai.io/agent"]] = counts.get(marks["pai.io/agent"], 0) + running
    return counts


def listed(http: httpx.Client, path: str, instance: str) -> list[dict[str, Any]]:
    filters = f'{{"label":["pai.io/instance={instance}"]}}'
    found = http.get(path, params={"filters": filters, "all": "1"}).json()
    return list(found["Volumes"] or []) if isinstance(found, dict) else list(found)


def api(url: str) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=url.removeprefix("unix://"))
    return httpx.Client(transport=transport, base_url="http://engine", timeout=60)
