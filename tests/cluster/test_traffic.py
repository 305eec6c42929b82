"""Who may reach an agent, judged by clients' own addresses, on every way in."""

import json
import time
from collections.abc import Iterator

import pytest
from scripts.kubernetes.network import Client
from tests.cluster.stage.platform import NODE_RANGES, Platform, give_services, probe_agent

pytestmark = pytest.mark.slow

SPACE = "traffic"
FRIEND, STRANGER = "10.250.41.2", "10.250.42.2"
BALANCER, EDGE = "10.251.9.1", "10.251.9.2"
REFUSED = "client_denied"
# What became of one request, as `tried` tells it.
SERVED, TIMED_OUT = "200", "timeout"

TRY = """
import sys, urllib.request, urllib.error
request = urllib.request.Request(sys.argv[1], headers=dict([sys.argv[2].split(": ", 1)]))
try:
    with urllib.request.urlopen(request, timeout=float(sys.argv[3])) as answer:
        print(answer.status)
        print(answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
    print(error.read().decode())
except (TimeoutError, urllib.error.URLError) as error:
    reason = getattr(error, "reason", error)
    print("refused" if isinstance(reason, ConnectionRefusedError) else
          "timeout" if isinstance(reason, TimeoutError) else repr(error))
"""


@pytest.fixture(scope="module")
def space(platform: Platform) -> Iterator[str]:
    platform.kubectl("create", "namespace", SPACE)
    give_services(platform, SPACE)
    platform.cluster.publish("pai-edge", EDGE, "pai-system")
    yield SPACE
    platform.kubectl("delete", "namespace", SPACE, "--wait=false")


@pytest.fixture(scope="module")
def friend(platform: Platform) -> Iterator[Client]:
    """A machine whose address is listed."""
    with platform.cluster.client_namespace(FRIEND) as client:
        yield client


@pytest.fixture(scope="module")
def stranger(platform: Platform) -> Iterator[Client]:
    """A machine whose address is not."""
    with platform.cluster.client_namespace(STRANGER) as client:
        yield client


def tried(
    client: Client, address: str, port: int, host: str = "", claims: str = "", seconds: float = 3
) -> tuple[str, str]:
    """Return status (or why there was none) and body of a request from a machine."""
    header = f"x-forwarded-for: {claims}" if claims else f"host: {host or address}"
    url = f"http://{address}:{port}/hello"
    done = client.run("python3", "-c", TRY, url, header, str(seconds))
    status, _, body = done.stdout.partition("\n")
    return status, body


def through_edge(platform: Platform, client: Client, agent: str) -> tuple[str, str]:
    return tried(client, EDGE, 80, host=platform.host(agent, SPACE))


def test_only_listed_addresses_get_through(
    platform: Platform, space: str, friend: Client, stranger: Client
) -> None:
    allowed = (f"{FRIEND}/32", *NODE_RANGES)
    platform.start(probe_agent("guarded", allowed), namespace=space)
    assert not platform.agent("guarded", space)["status"].get("publicAddress")
    platform.cluster.publish("pai-guarded", BALANCER, space)

    def public() -> str:
        return str(platform.agent("guarded", space)["status"].get("publicAddress", ""))

    assert platform.wait("publicAddress", public, 5) == f"{BALANCER}:3000"
    until(platform, friend, (BALANCER, 3000), SERVED)  # kube-proxy takes a moment
    _, seen = tried(friend, BALANCER, 3000)
    assert f"x-forwarded-for: {FRIEND}" in seen.lower()  # the agent is told the true address
    assert tried(stranger, BALANCER, 3000)[0] == TIMED_OUT  # dropped before it gets to us
    port = platform.node_port("guarded", space)
    assert tried(friend, *port)[0] == SERVED
    status, said = tried(stranger, *port)
    assert (status, json.loads(said)["error"]["code"]) == ("403", REFUSED)
    assert through_edge(platform, friend, "guarded")[0] == SERVED
    status, _ = through_edge(platform, stranger, "guarded")
    assert status == "403"
    for claim in (FRIEND, f"{STRANGER}, {FRIEND}"):  # what a client says of itself counts nothing
        assert tried(stranger, *port, claims=claim)[0] == "403"
    records = platform.wait("the audit", lambda: refusals(platform, "guarded"))
    assert any(STRANGER in record["reason"] for record in records)


def refusals(platform: Platform, agent: str) -> list[dict[str, str]]:
    return [one for one in platform.audit(agent, SPACE) if one["decision"] == "denied"]


def test_nobody_listed_means_no_way_in(platform: Platform, space: str, friend: Client) -> None:
    platform.apply([probe_agent("closed", ())], space)
    platform.until("closed", "Running", space)
    names = platform.kubectl("get", "services", "-n", space, "-o", "name").split()
    assert "service/pai-closed" not in names
    assert through_edge(platform, friend, "closed")[0] == "403"
    assert platform.request("closed", "/hello", namespace=space)[0] == 403


def test_a_changed_list_is_in_force_at_once_and_restarts_nothing(
    platform: Platform, space: str, friend: Client, stranger: Client
) -> None:
    platform.start(probe_agent("changing", (f"{FRIEND}/32", *NODE_RANGES)), namespace=space)
    before = [pod["metadata"]["uid"] for pod in platform.pods("changing", space)]
    port = platform.node_port("changing", space)
    assert [tried(one, *port)[0] for one in (friend, stranger)] == [SERVED, "403"]
    change = {"spec": {"inbound": {"allowCIDRs": [f"{STRANGER}/32", *NODE_RANGES]}}}
    patch = ("--type=merge", "-p", json.dumps(change))
    platform.kubectl("patch", "agent", "changing", "-n", space, *patch)
    began = time.monotonic()
    while [tried(one, *port)[0] for one in (friend, stranger)] != ["403", SERVED]:
        assert time.monotonic() - began < 10
    print(f"a changed list is in force after {time.monotonic() - began:.1f} s")
    service = platform.cluster.get("service", "pai-changing", "-n", space)["spec"]
    assert service["loadBalancerSourceRanges"] == sorted([f"{STRANGER}/32", *NODE_RANGES])
    assert through_edge(platform, friend, "changing")[0] == "403"
    assert through_edge(platform, stranger, "changing")[0] == SERVED
    assert [pod["metadata"]["uid"] for pod in platform.pods("changing", space)] == before
    [container] = platform.pods("changing", space)[0]["status"]["containerStatuses"]
    assert container["restartCount"] == 0


# Each row turns round what the row before it said, so that one which is not in force is noticed.
TABLE = (
    ([f"{FRIEND}/32"], True),
    (["10.250.41.3/32"], False),
    (["10.250.41.0/24"], True),
    (["10.250.42.0/23"], False),  # 42 and 43
    (["10.250.40.0/23"], True),  # 40 and 41
    (["::/0"], False),
    (["0.0.0.0/0"], True),
    (["192.168.0.0/16", "10.250.41.4/30"], False),
    (["192.168.0.0/16", "10.250.41.0/30"], True),
)


def test_ranges_of_addresses(platform: Platform, space: str, friend: Client) -> None:
    platform.apply([probe_agent("table", NODE_RANGES)], space)
    platform.until("table", "Running", space)
    port = platform.node_port("table", space)
    for ranges, served in TABLE:
        patch = json.dumps({"spec": {"inbound": {"allowCIDRs": ranges}}})
        platform.kubectl("patch", "agent", "table", "-n", space, "--type=merge", "-p", patch)
        until(platform, friend, port, SERVED if served else "403")


def until(platform: Platform, client: Client, port: tuple[str, int], wanted: str) -> None:
    platform.wait(f"{wanted} at {port}", lambda: tried(client, *port)[0] == wanted, 10)
