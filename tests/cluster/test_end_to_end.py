"""The quickstart on a cluster, from `kubectl apply` to `pai delete --volumes`."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.stage.platform import NODE_RANGES, Platform, give_services, probe_agent

pytestmark = pytest.mark.slow

SPACE = "journey"
QUICKSTART = Path("examples/quickstart/agent.yaml")
TEXT = b"The river rose two metres in a night. words=12 are enough to say so."


@pytest.fixture(scope="module")
def space(platform: Platform) -> Iterator[str]:
    """A namespace with a model and a service; core Secrets, as kubectl's users write them."""
    platform.kubectl("create", "namespace", SPACE)
    give_services(platform, SPACE)
    yield SPACE
    platform.kubectl("delete", "namespace", SPACE, "--wait=false")


@pytest.fixture(scope="module")
def quickstart(platform: Platform, space: str) -> str:
    """The example as it is published, led to the test's own model and notes service."""
    documents = list(yaml.safe_load_all(QUICKSTART.read_text()))
    agent = next(one for one in documents if one["kind"] == "AgentWorkload")
    agent["spec"]["inbound"]["allowCIDRs"] = list(NODE_RANGES)
    agent["spec"]["env"] = [{"name": "NOTES_URL", "value": "https://api.notes.test"}]
    name = str(agent["metadata"]["name"])
    platform.kubectl("apply", "-n", space, "-f", "-", stdin=json.dumps(agent))
    ready = (f"agent/{name}", "-n", space, "--for=condition=Ready", "--timeout=90s")
    platform.kubectl("wait", *ready)
    return name


def used(platform: Platform, agent: str, space: str) -> int:
    """Return what the ledger holds of an agent's tokens, without those set aside."""
    rows = json.loads(platform.pai("usage", agent, "-n", space, "-o", "json").stdout)
    return sum(int(row["input"] + row["output"]) for row in rows)


def test_work_through_both_ways_in_is_billed_once(
    platform: Platform, quickstart: str, space: str
) -> None:
    before, known = platform.world.billed(), used(platform, quickstart, space)
    status, _, body = platform.request(quickstart, "/", TEXT, namespace=space)
    assert status == 201, body
    address, port = platform.node_port(quickstart, space)
    url = f"http://{address}:{port}"
    with urllib.request.urlopen(urllib.request.Request(url, data=TEXT), timeout=30) as answer:
        second = json.loads(answer.read())
    first = json.loads(body)
    assert any("kept note" in step for step in first["steps"]), first
    assert any("not allowed here" in step for step in first["steps"]), first  # to remove it
    spent = platform.world.billed() - before
    assert spent == first["tokens"] + second["tokens"] > 0
    platform.wait("the ledger's sum", lambda: used(platform, quickstart, space) == known + spent)
    for report in (first, second):
        status, headers, page = platform.request(quickstart, report["path"], namespace=space)
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert report["id"].encode() in page or b"<h1" in page

    def told() -> bool:
        agent = platform.agent(quickstart, space)
        return bool(agent["status"].get("tokensToday") == known + spent)

    platform.wait("status.tokensToday", told, 30)
    table = platform.kubectl("get", "agent", quickstart, "-n", space).splitlines()
    shown = dict(zip(table[0].split(), table[1].split(), strict=True))
    assert shown["TOKENS"] == str(known + spent)


def test_pai_tells_of_it(platform: Platform, quickstart: str, space: str) -> None:
    where = ("-n", space)
    status = platform.pai("status", quickstart, *where).stdout
    assert "Running" in status
    assert platform.url(quickstart, space) in status
    assert quickstart in platform.pai("usage", *where).stdout
    assert "api.notes.test" in platform.pai("audit", quickstart, *where).stdout
    described = platform.pai("describe", "agent", quickstart, *where).stdout
    assert "localhost/pai-quickstart:latest" in described
    said = platform.pai("exec", quickstart, *where, "--", "id", "-u").stdout
    assert said.strip() == "65532"
    held = platform.pai("exec", quickstart, *where, "--", "env").stdout
    assert platform.world.llm_key not in held
    assert platform.world.notes_key not in held


def test_logs_are_followed(platform: Platform, quickstart: str, space: str) -> None:
    following = subprocess.Popen(
        [sys.executable, "-m", "pai.cli", "logs", "-f", "--tail", "1", quickstart, "-n", space],
        env=platform.env,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = following.stdout
    assert lines is not None
    try:
        assert lines.readline()  # what it had written last
        platform.request(quickstart, "/asked-while-followed", namespace=space)
        assert "/asked-while-followed" in lines.readline()
    finally:
        following.terminate()
        following.wait(10)
        lines.close()


def claims(platform: Platform, agent: str, space: str) -> list[str]:
    words = ("get", "pvc", "-n", space, "-l", f"pai.io/agent={agent}", "-o", "name")
    return sorted(platform.kubectl(*words).split())


def test_a_life_with_volumes(platform: Platform, space: str) -> None:
    volume = {"name": "data", "mountPath": "/data", "size": "1Gi"}
    keeper = probe_agent("keeper", volumes=[volume])
    platform.start(keeper, namespace=space)
    platform.run_in("keeper", "open('/data/kept', 'w').write('still here')", space)

    platform.kubectl("scale", "agent/keeper", "-n", space, "--replicas=3")
    platform.wait("three replicas", lambda: ready(platform, space) == 3, 60)
    assert len(claims(platform, "keeper", space)) == 3
    assert len({own_claim(pod) for pod in platform.pods("keeper", space)}) == 3

    platform.pai("pause", "keeper", "-n", space)
    paused = platform.until("keeper", "Pending", space)
    assert {c["type"]: c["status"] for c in paused["status"]["conditions"]}["Paused"] == "True"
    platform.wait("no pod", lambda: not platform.pods("keeper", space))
    assert platform.request("keeper", "/hello", namespace=space)[0] == 503
    platform.kubectl("scale", "agent/keeper", "-n", space, "--replicas=1")
    platform.pai("resume", "keeper", "-n", space)
    platform.until("keeper", "Running", space)

    platform.kubectl("delete", "agent", "keeper", "-n", space, "--timeout=60s")
    assert len(claims(platform, "keeper", space)) == 3
    platform.start(keeper, namespace=space)
    held = platform.run_in("keeper", "print(open('/data/kept').read())", space)
    assert held == "still here\n"

    platform.pai("delete", "agent", "keeper", "--volumes", "--wait", "-n", space)
    platform.wait("claims go", lambda: claims(platform, "keeper", space) == [], 60)


def ready(platform: Platform, space: str) -> int:
    return int(platform.agent("keeper", space)["status"].get("readyReplicas", 0))


def own_claim(pod: dict[str, Any]) -> str:
    """Return the claim that a pod's own volume is."""
    volumes = [
        v["persistentVolumeClaim"] for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v
    ]
    return str(volumes[0]["claimName"])
