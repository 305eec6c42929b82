"""Prepare and the launcher on real engines: what an agent can reach, and what it finds."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import pytest
from tests.contract.hand_made_replica import Ended, HandMade
from tests.contract.prepare_programs import LIST_FILES, LISTENER, OUTSIDE, PROBE, SIDECAR, WORLD

from pai.ir.prepare import PREPARE_PLAN_PATH, PreparePlan, VolumeOwner

pytestmark = pytest.mark.engine

AGENT, SIDECAR_UID, PAUSE_UID = 65532, 65531, 65530
CA = "-----BEGIN CERTIFICATE-----\nb3Vycw==\n-----END CERTIFICATE-----"
PLAN = PreparePlan(
    ca_pem=CA,
    extra_ca_pem="extra",
    volumes=(VolumeOwner("/run/pai-volumes/0", AGENT),),
    seed_plan=(
        "fill\t/conf\t/run/pai-config/0\t67108864\n"
        "file\t/run/pai-config/0\tsub/new.yaml\t/run/pai/seed/0\t0644\n"
        "file\t/run/pai-config/0\tapp.yaml\t/run/pai/seed/0\t0644\n"
    ),
    seed_files={"0": "seeded\n"},
)


class Replica(NamedTuple):
    made: HandMade
    pause: str
    world: str
    run: str
    data: str

    def prepare(self, plan: PreparePlan = PLAN, **host: Any) -> Ended:
        binds = [f"{self.run}:/run/pai:rw", f"{self.data}:/run/pai-volumes/0:rw,nocopy"]
        settings = {
            "NetworkMode": f"container:{self.pause}",
            "CapAdd": ["NET_ADMIN", "CHOWN"],
            "Binds": binds,
            "ReadonlyRootfs": True,
            "files": {PREPARE_PLAN_PATH.lstrip("/"): msgspec.json.encode(plan)},
            **host,
        }
        return self.made.run(0, ["python3", "-m", "pai.runtime.prepare"], **settings)

    def join(self, user: int, program: str, *words: str, **host: Any) -> Ended:
        return self.made.run(user, ["python3", "-c", program, *words], **self._joined(host))

    def serve(self, user: int, program: str, *words: str, **host: Any) -> str:
        command = ["python3", "-c", program, *words]
        container = self.made.start(user, command, **self._joined(host))
        wait_ready(self.made, container)
        return container

    def _joined(self, host: dict[str, Any]) -> dict[str, Any]:
        return {"NetworkMode": f"container:{self.pause}", **host}


def wait_ready(made: HandMade, container: str) -> None:
    for _ in range(100):
        if "ready" in made.output(container):
            return
        time.sleep(0.1)
    raise AssertionError(made.output(container))


@pytest.fixture(scope="module")
def replica(engine: tuple[str, str]) -> Iterator[Replica]:
    with HandMade(engine[1]) as made:
        launcher = ["/opt/pai/bin/launcher", "pause"]
        pause = made.start(PAUSE_UID, launcher, Dns=["127.0.0.1"], ReadonlyRootfs=True)
        world = made.start(0, ["python3", "-c", WORLD], CapAdd=["NET_BIND_SERVICE"])
        wait_ready(made, world)
        built = Replica(made, pause, world, made.volume("run"), made.volume("data"))
        prepared = built.prepare()
        assert (prepared.code, prepared.output) == (0, "")
        built.serve(SIDECAR_UID, SIDECAR, made.address(world))
        yield built


@pytest.fixture(scope="module")
def attempts(replica: Replica) -> dict[str, tuple[str, float]]:
    found = replica.join(AGENT, PROBE, replica.made.address(replica.world)).json()
    return {name: (outcome, seconds) for name, (outcome, seconds) in found.items()}


@pytest.mark.parametrize(
    ("attempt", "answer"),
    [
        ("tls", "8443 203.0.113.7:443"),
        ("http", "8081 203.0.113.7:80"),
        ("metadata", "8081 169.254.169.254:80"),
        ("loopback tls", "8443 127.0.0.1:443"),
        ("loopback http", "8081 127.0.0.1:80"),
        ("gateway", "8000 -"),
        ("dns", "8053"),
        ("dns tcp", "8053 8.8.8.8:53"),
        ("world dns", "8053"),
        ("engine dns", "8053"),
    ],
)
def test_the_sidecar_answers_in_place_of_the_world(
    attempts: dict[str, tuple[str, float]], attempt: str, answer: str
) -> None:
    outcome, _ = attempts[attempt]
    assert outcome.removesuffix(" 127.0.0.1:8000") == answer.removesuffix(" -")


@pytest.mark.parametrize(("attempt", "port"), [("ssh", 22), ("any port", 9999), ("world tls", 443)])
def test_what_is_there_is_not_reached_either(
    attempts: dict[str, tuple[str, float]], replica: Replica, attempt: str, port: int
) -> None:
    listener = 8443 if port == 443 else 8081
    assert attempts[attempt][0] == f"{listener} {replica.made.address(replica.world)}:{port}"


@pytest.mark.parametrize(
    "attempt",
    [
        "quic",
        "udp",
        "flow of the sidecar",
        "ping",
        "raw socket",
        "packet socket",
        "other loopback",
        "six tls",
        "six udp",
        "six dns",
        "six metadata",
        "multicast",
        "broadcast",
    ],
)
def test_everything_else_is_refused(attempts: dict[str, tuple[str, float]], attempt: str) -> None:
    outcome, seconds = attempts[attempt]
    assert outcome.startswith("refused ") and "timed out" not in outcome, outcome
    assert seconds < 2


def test_the_engines_own_resolver_is_closed(attempts: dict[str, tuple[str, float]]) -> None:
    assert attempts["engine dns, random port"][0] == "closed"


def test_the_world_heard_the_sidecar_only(
    attempts: dict[str, tuple[str, float]], replica: Replica
) -> None:
    assert attempts
    heard = replica.made.output(replica.world)
    assert "udp from-sidecar" in heard
    assert "from-agent" not in heard


def test_only_the_inbound_listener_is_open_to_neighbours(replica: Replica) -> None:
    replica.serve(AGENT, LISTENER)
    address = replica.made.address(replica.pause)
    found = replica.made.run(0, ["python3", "-c", OUTSIDE, address]).json()
    opened = {name: outcome for name, (outcome, _) in found.items() if "refused" not in outcome}
    assert list(opened) == ["tcp 8082"]
    slow = {name: entry for name, entry in found.items() if entry[1] > 2 or "timed" in entry[0]}
    assert slow == {}


def saved_rules(replica: Replica) -> list[str]:
    code = (
        "import subprocess\n"
        "for tool in ('iptables-save', 'ip6tables-save'):\n"
        "    print(subprocess.run([tool], capture_output=True, text=True).stdout)\n"
    )
    text = replica.join(0, code, CapAdd=["NET_ADMIN"]).output
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [line.split(" [")[0] for line in lines]


def test_a_second_run_leaves_the_same_rules(replica: Replica) -> None:
    first = saved_rules(replica)
    assert "-A OUTPUT -j PAI-NAT" in first
    assert replica.prepare().code == 0
    assert saved_rules(replica) == first
    for hook, chain in (("OUTPUT", "PAI-NAT"), ("OUTPUT", "PAI-OUT"), ("INPUT", "PAI-IN")):
        assert first.count(f"-A {hook} -j {chain}") == 2, "once for v4, once for v6"


def test_the_jump_is_put_first_again(replica: Replica) -> None:
    insert = (
        "import subprocess\n"
        "rule = ['OUTPUT', '1', '-p', 'udp', '--dport', '9', '-j', 'ACCEPT']\n"
        "subprocess.run(['iptables', '-I', *rule], check=True)\n"
        "subprocess.run(['iptables', '-A', 'OUTPUT', '-j', 'PAI-OUT'], check=True)\n"
    )
    assert replica.join(0, insert, CapAdd=["NET_ADMIN"]).code == 0
    assert replica.prepare().code == 0
    output = [line for line in saved_rules(replica) if line.startswith("-A OUTPUT")]
    filtered = output[: output.index("-A OUTPUT -p udp -m udp --dport 9 -j ACCEPT")]
    assert filtered[-1] == "-A OUTPUT -j PAI-OUT"
    assert output.count("-A OUTPUT -j PAI-OUT") == 2, "once for v4, once for v6"


def test_the_run_volume_holds_what_the_agent_needs(replica: Replica) -> None:
    binds = [f"{replica.run}:/run/pai:ro", f"{replica.data}:/data:rw"]
    found = replica.join(AGENT, LIST_FILES, "/run/pai", "/data", Binds=binds).json()
    shape = {path: tuple(entry[:2]) for path, entry in found.items()}
    assert shape == {
        "/run/pai": (0, "0o755"),
        "/run/pai/launcher": (0, "0o755"),
        "/run/pai/ca.pem": (0, "0o644"),
        "/run/pai/ca-bundle.pem": (0, "0o644"),
        "/run/pai/seed": (0, "0o755"),
        "/run/pai/seed/plan": (0, "0o644"),
        "/run/pai/seed/0": (0, "0o644"),
        "/data": (AGENT, "0o755"),
    }
    code = "print(open('/run/pai/ca-bundle.pem').read())"
    bundle = replica.join(AGENT, code, Binds=binds).output
    assert bundle.count("BEGIN CERTIFICATE") > 100
    assert bundle.rstrip().endswith(f"{CA}\nextra")


def test_a_volume_that_was_somebodys_keeps_its_owner(replica: Replica) -> None:
    volume = replica.made.volume("used")
    binds = [f"{replica.run}:/run/pai:rw", f"{volume}:/run/pai-volumes/0:rw,nocopy"]
    touch = "open('/v/file', 'w').close()"
    assert replica.join(0, touch, Binds=[f"{volume}:/v"]).code == 0
    assert replica.prepare(Binds=binds).code == 0
    found = replica.join(0, LIST_FILES, "/v", Binds=[f"{volume}:/v"]).json()
    assert found["/v"][0] == 0


def test_without_the_right_nothing_is_prepared(replica: Replica) -> None:
    run = replica.made.volume("never")
    ended = replica.prepare(CapAdd=["CHOWN"], Binds=[f"{run}:/run/pai:rw"])
    assert ended.code == 1
    assert "error: ipv4 rules can't be applied" in ended.output
    assert "NET_ADMIN" in ended.output
    found = replica.join(0, LIST_FILES, "/v", Binds=[f"{run}:/v"]).json()
    assert list(found) == ["/v"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"ca_pem": 1}', b'{"ca_pem": "", "more": 1}'])
def test_a_broken_plan_is_one_line(replica: Replica, content: bytes) -> None:
    ended = replica.prepare(files={PREPARE_PLAN_PATH.lstrip("/"): content})
    assert ended.code == 1
    assert ended.output.startswith("error: prepare: ") and ended.output.count("\n") == 1


def test_seeds_in_an_image_with_nothing_in_it(replica: Replica) -> None:
    image = replica.made.image("bare", {"conf/app.yaml": b"of the image\n"})
    volume = replica.made.volume("config")
    binds = [f"{replica.run}:/run/pai:rw", f"{volume}:/run/pai-volumes/0:rw,nocopy"]
    assert replica.prepare(Binds=binds).code == 0
    seeding: dict[str, Any] = {
        "image": image,
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "Binds": [f"{replica.run}:/run/pai:ro", f"{volume}:/run/pai-config/0:rw,nocopy"],
    }
    for _ in range(2):
        done = replica.made.run(
            AGENT, ["/run/pai/launcher", "seed", "/run/pai/seed/plan"], **seeding
        )
        assert (done.code, done.output) == (0, "")
    read = (
        "import json; names = ('app.yaml', 'sub/new.yaml')\n"
        "print(json.dumps([open('/v/' + name).read() for name in names]))"
    )
    assert replica.join(AGENT, read, Binds=[f"{volume}:/v"]).json() == [
        "of the image\n",
        "seeded\n",
    ]
    found = replica.join(0, LIST_FILES, "/v", Binds=[f"{volume}:/v"], CapAdd=["DAC_READ_SEARCH"])
    assert {entry[0] for entry in found.json().values()} == {AGENT}
