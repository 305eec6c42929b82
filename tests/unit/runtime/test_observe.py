"""Inspect documents, as Docker and Podman write them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.runtime.test_frames import encode

from pai.ir.agent import AgentKey
from pai.runtime.containers import observe
from pai.runtime.containers.events import event_key

LABELS = {
    "pai.io/namespace": "default",
    "pai.io/agent": "demo",
    "pai.io/step": "agent",
    "pai.io/replica": "2",
    "pai.io/digest": "abc",
    "pai.io/pod": "p@1",
}


def document(**state: Any) -> dict[str, Any]:
    return {
        "Id": "1",
        "Name": "/demo",
        "State": {
            "Status": "exited",
            "Running": False,
            "ExitCode": 3,
            "StartedAt": "2026-11-23T05:35:07.681847292Z",
            "FinishedAt": "2026-11-23T06:35:07.7+01:00",
            **state,
        },
        "Config": {"Labels": LABELS},
        "HostConfig": {"Memory": 64},
        "NetworkSettings": {"Networks": {"n": {"IPAddress": "10.1.2.3"}}},
    }


def test_a_container_is_read() -> None:
    found = observe.container(document(), "bye")
    assert found is not None
    assert (found.name, found.step, found.replica, found.exit_code) == ("demo", "agent", 2, 3)
    assert (found.digest, found.pod, found.last_log, found.memory_bytes) == (
        "abc",
        "p@1",
        "bye",
        64,
    )
    assert found.started_at == datetime(2026, 11, 23, 5, 35, 7, 681847, tzinfo=UTC)
    assert found.finished_at == datetime(2026, 11, 23, 5, 35, 7, 700000, tzinfo=UTC)
    assert (found.started, found.running, found.address) == (True, False, "10.1.2.3")


@pytest.mark.parametrize(
    "state",
    [
        {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z"},
        {"Status": "initialized"},
        {"Status": "exited", "StartedAt": "0001-01-01T00:00:00Z"},
    ],
)
def test_what_never_ran_is_known(state: dict[str, Any]) -> None:
    found = observe.container(document(**state))
    assert found is not None
    assert not found.started


@pytest.mark.parametrize("name", ["pai.io/step", "pai.io/replica"])
def test_strangers_are_left_alone(name: str) -> None:
    made = document()
    made["Config"]["Labels"] = {**LABELS, name: "other"}
    assert observe.container(made) is None


def test_volumes_tell_what_they_hold() -> None:
    labels = {"pai.io/replica": "0", "pai.io/volume": ".run"}
    scratch = observe.volume({"Name": "v", "Labels": labels})
    data = observe.volume({"Name": "v", "Labels": {**labels, "pai.io/volume": "data"}})
    assert scratch is not None
    assert data is not None
    assert (scratch.keep, data.keep) == (False, True)
    assert observe.volume({"Name": "v", "Labels": None}) is None


def test_the_last_line_is_short_and_plain() -> None:
    raw = encode([("stdout", b"out\n"), ("stderr", b"one\n\x1b[31mtwo\x07" + b"x" * 999 + b"\n\n")])
    line = observe.last_line(raw)
    assert line.startswith(" [31mtwo x")
    assert len(line) == 300
    assert observe.last_line(encode([("stdout", b"only\n")])) == "only"
    assert observe.last_line(b"") == ""


def test_events_are_told_by_their_labels() -> None:
    attributes = '{"pai.io/namespace": "n", "pai.io/agent": "a"}'
    assert event_key(f'{{"Action":"die","Actor":{{"Attributes":{attributes}}}}}') == AgentKey(
        "n", "a"
    )
    assert event_key(f'{{"Action":"exec_create","Actor":{{"Attributes":{attributes}}}}}') is None
    assert event_key('{"status":"died","Actor":{"Attributes":{}}}') is None
    assert event_key("") is None
