import msgspec
from tests.unit.gateway.test_routes import binding

from pai.gateway.count_limits import (
    BURST,
    COUNTED,
    FAILED,
    LACKING,
    LACKING_SECONDS,
    PER_SECOND,
    CountLimits,
)
from pai.ir.agent import Limits
from pai.ir.snapshot import GatewayAgent, GatewaySnapshot, Network

PLACE = ("ns/main", "https://a.b")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def snapshot(*agents: str, endpoint: str = "https://a.b") -> GatewaySnapshot:
    made = tuple(
        GatewayAgent(id=each, token_sha256=each, bindings=("ns/main",), limits=Limits())
        for each in agents
    )
    models = (msgspec.structs.replace(binding("main"), endpoint=endpoint),)
    network = Network(nameservers=())
    return GatewaySnapshot(version=1, agents=made, bindings=models, network=network)


def taken(limits: CountLimits, agent: str) -> int:
    bucket, count = limits.of(agent).bucket, 0
    while bucket.take():
        count += 1
    return count


def test_each_agent_has_a_rate_of_its_own() -> None:
    clock = Clock()
    limits = CountLimits(clock)
    assert taken(limits, "ns/a") == BURST
    assert taken(limits, "ns/b") == BURST
    clock.now = 2.0
    assert taken(limits, "ns/a") == 2 * PER_SECOND


def test_an_endpoint_that_lacks_counting_is_asked_again_after_a_while() -> None:
    clock = Clock()
    limits = CountLimits(clock)
    limits.note(FAILED, PLACE)
    assert not limits.lacks(PLACE)
    limits.note(LACKING, PLACE)
    assert limits.lacks(PLACE)
    assert not limits.lacks(("ns/main", "https://another"))
    clock.now = LACKING_SECONDS
    assert not limits.lacks(PLACE)


def test_what_is_gone_is_forgotten_and_what_stays_keeps_its_state() -> None:
    limits = CountLimits(Clock())
    taken(limits, "ns/a")
    taken(limits, "ns/gone")
    limits.note(LACKING, PLACE)
    limits.keep(snapshot("ns/a"))
    assert limits.lacks(PLACE)
    assert taken(limits, "ns/a") == 0
    assert taken(limits, "ns/gone") == BURST
    limits.keep(snapshot("ns/a", endpoint="https://elsewhere"))
    assert not limits.lacks(PLACE)


def test_figures() -> None:
    limits = CountLimits()
    for result in (COUNTED, COUNTED, FAILED):
        limits.note(result, PLACE)
    assert list(limits.pieces("3")) == [
        (
            "pai_gateway_counts_total",
            f'pai_gateway_counts_total{{worker="3",result="{name}"}} {n}\n',
        )
        for name, n in ((COUNTED, 2), (FAILED, 1))
    ]
