"""Control killed at any moment: what is left converges, and nothing is made twice."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.cluster.stage.cluster import Cluster
from tests.cluster.stage.control import Controls, controls
from tests.fakes.documents import agent, model, secret

KILLS = 30
VOLUME = {"name": "data", "mountPath": "/data", "size": "1Gi"}


@pytest.fixture
def stage(control_plane: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controls]:
    with controls(control_plane, tmp_path_factory.mktemp("crash")) as found:
        control_plane.kubectl("create", "namespace", "crash")
        yield found
        # An aggregated API that is away holds up the deletion of every namespace.
        control_plane.kubectl("delete", "apiservice", "v1.platform.pai.io")
        control_plane.kubectl("delete", "namespace", "crash", "--timeout=120s")


def document(name: str, **spec: Any) -> dict[str, Any]:
    parked = {"nodeSelector": {"example.com/nowhere": "true"}}  # no node takes it
    return {**agent(name, pod=parked, **spec), "metadata": {"name": name, "namespace": "crash"}}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thirty_kills_at_random_moments(stage: Controls) -> None:
    """Wishes change while control dies; the last one is what stands in the end."""
    chance = random.Random(20260301)
    stage.start()
    stage.until_served()
    cluster = stage.cluster
    for name in ("keys", "gpt"):
        found = {"keys": secret(), "gpt": model()}[name]
        stage.post("namespaces/crash/apply", {"documents": [found]})
    wishes: dict[str, dict[str, Any] | None] = {}
    for round_ in range(KILLS):
        name = chance.choice(("one", "two", "three"))
        wish = chance.choice(
            (
                {"replicas": chance.randint(0, 3)},
                {"replicas": 1, "volumes": [VOLUME]},
                {"modelBindings": ["gpt"], "env": [{"name": "ROUND", "value": str(round_)}]},
                {"inbound": {"port": 3000, "allowCIDRs": ["10.0.0.0/8"]}},
                None,
            )
        )
        wishes[name] = wish
        if wish is None:
            cluster.kubectl("delete", "agent", name, "-n", "crash", "--ignore-not-found")
        else:
            cluster.apply(document(name, **wish))
        time.sleep(chance.uniform(0.0, 0.4))
        stage.kill()
        stage.start(wait=chance.random() < 0.5)
        if stage.probe("control-0", "livez") == 0:
            time.sleep(chance.uniform(0.0, 1.5))  # killed while it starts, now and then
    stage.until_ready()
    until_settled(stage, {name: wish for name, wish in wishes.items() if wish is not None})


def until_settled(stage: Controls, wishes: dict[str, dict[str, Any]]) -> None:
    deadline = time.monotonic() + 60
    while (trouble := unsettled(stage, wishes)) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert not trouble, trouble


def unsettled(stage: Controls, wishes: dict[str, dict[str, Any]]) -> str:
    """Say what is not yet as it was wished, "" when all is."""
    listed = stage.cluster.get(
        "deploy,sts,svc,netpol,cm,secret", "-n", "crash", "-l", "pai.io/agent"
    )
    held: dict[str, set[str]] = {}
    for item in listed["items"]:
        if "deletionTimestamp" not in item["metadata"]:
            held.setdefault(item["metadata"]["labels"]["pai.io/agent"], set()).add(item["kind"])
    if set(held) != set(wishes):
        return f"agents {sorted(held)}, wanted {sorted(wishes)}"
    for name, wish in wishes.items():
        kinds = {"NetworkPolicy", "ConfigMap", "Secret"}
        kinds |= {"StatefulSet", "Service"} if "volumes" in wish else {"Deployment"}
        kinds |= {"Service"} if "inbound" in wish else set()
        if held[name] != kinds:
            return f"{name}: {sorted(held[name])}, wanted {sorted(kinds)}"
        workload = "sts" if "volumes" in wish else "deploy"
        found = stage.cluster.get(workload, name, "-n", "crash")
        if found["spec"]["replicas"] != wish.get("replicas", 1):
            return f"{name}: {found['spec']['replicas']} replicas"
        env = found["spec"]["template"]["spec"]["containers"][0]["env"]
        given = {item["name"]: item.get("value") for item in env}
        for item in wish.get("env", ()):
            if given.get(item["name"]) != item["value"]:
                return f"{name}: env {item['name']} is {given.get(item['name'])}"
    return ""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_other_replica_takes_over_from_a_killed_leader(
    stage: Controls, new_database: Callable[[], str]
) -> None:
    database = new_database()
    for name in ("control-0", "control-1"):
        stage.start(name, database=database)
    leader = until_led(stage)
    stage.cluster.apply(document("one"))
    stage.until("one", "Pending", "crash")
    before = stage.cluster.get("deploy", "one", "-n", "crash")["metadata"]
    stage.kill(leader)
    killed = time.monotonic()
    stage.cluster.apply(document("two"))
    stage.until("two", "Pending", "crash", seconds=25)
    took = time.monotonic() - killed
    print(f"taken over and carried out {took:.1f} s after kill -9")
    assert took <= 20
    after = stage.cluster.get("deploy", "one", "-n", "crash")["metadata"]
    assert (after["uid"], after["generation"]) == (before["uid"], before["generation"])
    events = stage.cluster.get("events", "-n", "crash")["items"]
    made = [e for e in events if e["reason"] == "Creating" and e["involvedObject"]["name"] == "two"]
    assert len(made) == 1 and made[0].get("count", 1) == 1


def until_led(stage: Controls) -> str:
    """Return the replica that leads; exactly one does."""
    for _ in range(300):
        leaders = [n for n in stage.running if stage.metrics(n).get("pai_leader") == 1.0]
        if leaders:
            assert len(leaders) == 1
            return leaders[0]
        time.sleep(0.1)
    raise AssertionError("nobody leads")
