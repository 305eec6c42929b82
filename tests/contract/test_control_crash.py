"""Control killed -9 at random points, 50 times: it converges, leaves no orphan, loses no write."""

from pathlib import Path

import pytest
from tests.fakes.control import IMAGE, Ports, write_credentials, write_settings
from tests.fakes.crashing_control import objects, over_kept_engine
from tests.fakes.storm import Storm

ROUNDS = 50


@pytest.mark.slow
def test_kill_9_at_any_point_loses_nothing(tmp_path: Path) -> None:
    ports = Ports()
    write_settings(tmp_path, ports)
    write_credentials(tmp_path)
    volume = {"name": "data", "mountPath": "/data", "size": "1Gi"}
    storm = Storm(tmp_path, ports.api, 20260501, {"image": IMAGE, "volumes": [volume]})
    for seed in range(1, ROUNDS + 1):
        storm.round(over_kept_engine, seed, longest=0.4)
    assert storm.kills == ROUNDS
    process = storm.start(over_kept_engine, 0)
    try:
        assert storm.serves(process)
        with storm.client() as http:
            wanted = storm.check(http)
    finally:
        process.terminate()
        process.join(20)
        assert process.exitcode == 0
        process.close()
    counts, scratch = objects(tmp_path / "engine.pickle")
    assert {key.name: count for key, count in counts.items() if count} == {
        name: replicas for name, replicas in wanted.items() if replicas
    }
    assert {key.name for key in counts} <= set(wanted)
    assert {key.name for key in scratch} <= {name for name, count in wanted.items() if count}
