"""New versions roll and parts of the platform die while requests go on: nothing is lost."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from tests.cluster.stage.platform import SYSTEM_NAMESPACE, Platform, give_services, probe_agent
from tests.cluster.stage.steady import Steady, Target, ask

pytestmark = pytest.mark.slow

SPACE = "busy"
BALANCER, SECOND_BALANCER = "10.251.7.7", "10.251.7.8"
# Its words come back in a traceback: what concurrent requests print goes astray.
LARGE = b"raise RuntimeError('all ' + 'taken')" + b" " * 200_000
CALL = """
import openai
client = openai.OpenAI(max_retries=0, timeout=20)
try:
    client.chat.completions.create(
        model="gpt", messages=[{"role": "user", "content": "words=20"}], max_tokens=30)
    print("200")
except openai.APIStatusError as error:
    print(error.status_code)
except openai.APIConnectionError as error:
    print("no answer")
"""
STORM = f"""
import threading, contextlib, io, collections, json
source = {CALL!r}.replace("print(", "ended.append(")
ended = []
def call():
    exec(source, {{"ended": ended}})
threads = [threading.Thread(target=call) for _ in range(COUNT)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(collections.Counter(map(str, ended))))
"""
KILL_A_WORKER = """
import os, pathlib, signal
for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    if b"--worker\\x00" in entry.read_bytes():
        os.kill(int(entry.parent.name), signal.SIGKILL)
        print("killed")
        break
"""


@pytest.fixture(scope="module")
def space(platform: Platform) -> Iterator[str]:
    """A namespace of these tests, on a platform with two gateways."""
    platform.kubectl("create", "namespace", SPACE)
    give_services(platform, SPACE)
    platform.install("--gateway-replicas", "2")
    yield SPACE
    platform.kubectl("delete", "namespace", SPACE, "--wait=false")
    platform.install("--gateway-replicas", "1")


def version(number: int) -> dict[str, Any]:
    return {"env": [{"name": "VERSION", "value": str(number)}]}


def targets(platform: Platform, agent: str, address: str) -> Iterator[Target]:
    """Every way in: edge and load balancer, with a body and without, kept open and not."""
    host = platform.host(agent, SPACE)
    for way, where, port in (("edge", platform.edge_ip, 80), ("service", address, 3000)):
        asked = partial(Target, address=where, port=port, host=host)
        yield asked(f"{agent} {way} GET")
        yield asked(f"{agent} {way} GET kept", kept=True)
        yield asked(f"{agent} {way} POST", path="/run", body=LARGE, expected=b"all taken")


def test_a_new_version_fails_no_request(platform: Platform, space: str) -> None:
    one = partial(probe_agent, "one")
    two = partial(probe_agent, "two", stateful=True, replicas=2)
    platform.start(one(**version(1)), two(**version(1)), namespace=space)
    platform.wait("both replicas", lambda: ready(platform, "two") == 2, 60)
    platform.cluster.publish("pai-one", BALANCER, space)
    platform.cluster.publish("pai-two", SECOND_BALANCER, space)
    ways = [*targets(platform, "one", BALANCER), *targets(platform, "two", SECOND_BALANCER)]
    for way in ways:  # kube-proxy takes a moment
        platform.wait(f"{way.name} is served", partial(_served, way))
    old = names(platform, "one") | names(platform, "two")
    with Steady(*ways) as steady:
        platform.apply([one(**version(2)), two(**version(2))], space)
        kubectl = platform.kubectl
        kubectl("rollout", "status", "-n", space, "deployment/one", "--timeout=120s")
        kubectl("rollout", "status", "-n", space, "statefulset/two", "--timeout=120s")
        platform.wait("old ones are gone", lambda: not old & uids(platform), 60)
    assert steady.failures == [], "\n".join(steady.failures[:40])
    assert min(steady.answered.values()) > 20, steady.answered
    said = platform.run_in("one", "import os; print(os.environ['VERSION'])", space)
    assert said == "2\n"


def _served(way: Target) -> bool:
    """Say whether a request gets its answer."""
    return ask(way) == ""


def ready(platform: Platform, agent: str) -> int:
    return int(platform.agent(agent, SPACE)["status"].get("readyReplicas", 0))


def names(platform: Platform, agent: str) -> set[str]:
    return {str(pod["metadata"]["uid"]) for pod in platform.pods(agent, SPACE)}


def uids(platform: Platform) -> set[str]:
    """Return all pods that are left, those that are ending too."""
    return {str(pod["metadata"]["uid"]) for pod in platform.cluster.pods(SPACE)}


def ledger(platform: Platform, agent: str) -> tuple[int, int]:
    """Return the agent's tokens of the day: spent, and with what is set aside for it."""
    rows = json.loads(platform.pai("usage", agent, "-n", SPACE, "-o", "json").stdout)
    spent = sum(int(row["input"] + row["output"]) for row in rows)
    return spent, spent + sum(int(row["reserved"]) for row in rows)


def test_two_gateways_keep_one_budget(platform: Platform, space: str) -> None:
    limit = 3000
    platform.start(probe_agent("thrifty", tokens={"maxPerDay": limit}), namespace=space)
    before = platform.world.billed()
    ends = json.loads(platform.run_in("thrifty", f"COUNT = 100{STORM}", space))
    billed = platform.world.billed() - before
    assert set(ends) == {"200", "429"}, ends
    assert billed > limit / 2, (billed, ends)
    platform.wait("settled", lambda: ledger(platform, "thrifty")[0] == billed)
    assert ledger(platform, "thrifty")[1] <= limit
    platform.run_in("thrifty", f"COUNT = 20{STORM}", space)
    assert platform.world.billed() - before <= limit


@pytest.mark.parametrize("killed", ["worker", "gateway", "edge", "control"])
def test_a_killed_part_loses_nothing(platform: Platform, space: str, killed: str) -> None:
    limit, name = 20_000, f"outlives-{killed}"
    platform.start(probe_agent(name, tokens={"maxPerDay": limit}), namespace=space)
    before = platform.world.billed()
    storm = threading.Thread(target=stormed, args=(platform, name))
    storm.start()
    time.sleep(1.0)  # by then some calls are done and others run
    kill(platform, killed)
    storm.join()
    platform.wait("requests recover", partial(answers, platform, name), 60)
    billed = platform.world.billed() - before
    assert billed > 0

    def remembered() -> bool:
        """Say whether the ledger has all of it; who died could not settle, its lease stays."""
        return billed <= ledger(platform, name)[1]

    platform.wait("nothing is forgotten", remembered)
    assert ledger(platform, name)[1] <= limit


def stormed(platform: Platform, agent: str) -> None:
    """Let the agent call its model while something dies; it may be the way to the agent."""
    with suppress(OSError, http.client.HTTPException, AssertionError):
        platform.run_in(agent, f"COUNT = 60{STORM}", SPACE)


def kill(platform: Platform, part: str) -> None:
    """End a process or a pod without a word of warning."""
    pods = partial(platform.kubectl, "-n", SYSTEM_NAMESPACE)
    if part == "worker":
        said = pods("exec", "deploy/pai-gateway", "--", "python3", "-c", KILL_A_WORKER)
        assert said == "killed\n"
        return
    chosen = ("get", "pods", "-l", f"app.kubernetes.io/component={part}", "-o", "name")
    first = pods(*chosen).split()[0]
    pods("delete", first, "--grace-period=0", "--force")


def answers(platform: Platform, agent: str) -> bool:
    try:
        return platform.run_in(agent, CALL, SPACE) == "200\n"
    except (OSError, http.client.HTTPException, AssertionError):
        return False
