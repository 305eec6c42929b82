"""A sidecar that asks the gateway for addresses, and believes it no more than a nameserver."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from tests.unit.sidecar.stage import (
    GATEWAY_TOKEN,
    HOST,
    LLM_HOST,
    Ca,
    Seen,
    Service,
    Stage,
    answer,
    open_stage,
)

from pai.errors import SpecError
from pai.ir.agent import Egress, EgressRule
from pai.ir.snapshot import Network
from pai.sidecar import gateway_resolver
from pai.sidecar.gateway_resolver import STALE_SECONDS
from pai.sidecar.state import GATEWAY_NAME
from pai.wire.dial import Dialer
from pai.wire.dns.cache import AGAIN_SECONDS
from pai.wire.endpoint import Endpoint
from pai.wire.errors import UpstreamError
from pai.wire.tls import server_context

ALLOW = Egress(
    allow=(
        EgressRule("plain.test", (80,)),
        EgressRule("*.wild.test", (80,)),
        EgressRule("db.data.svc", (80,)),
    )
)


class NamesGateway(Service):
    """A gateway over TLS that knows names. known: addresses by name and type."""

    def __init__(self) -> None:
        super().__init__()
        self.ca = Ca()
        self.known: dict[tuple[str, str], list[str]] = {}
        self.ttl = 60.0
        self.error: bytes | None = None
        self.respond = self._answer

    async def open(self) -> None:
        await self.start(server_context(*self.ca.leaf(GATEWAY_NAME)))

    def _answer(self, seen: Seen) -> bytes:
        if self.error is not None:
            return self.error
        url = urlsplit(seen.line.split(" ")[1])
        asked = parse_qs(url.query)
        found = self.known.get((asked["name"][0], asked["type"][0]), [])
        return answer(json.dumps({"addresses": found, "ttl": self.ttl}).encode())

    @property
    def asked(self) -> list[str]:
        return [seen.line.split(" ")[1] for seen in self.seen]


class Scene:
    """A sidecar of a cluster: no nameserver, and the gateway's word for names."""

    def __init__(self, stage: Stage, gateway: NamesGateway) -> None:
        self.stage, self.gateway = stage, gateway
        self.version = 1

    def apply(self, **changes: object) -> None:
        """Put a new snapshot to work. changes: fields of its network."""
        self.version += 1
        network = {
            "nameservers": (),
            "resolve_through_gateway": True,
            "static_hosts": {},
            **changes,
        }
        snapshot = self.stage.snapshot
        self.stage.apply(
            msgspec.structs.replace(
                snapshot,
                version=self.version,
                gateway=f"https://127.0.0.1:{self.gateway.port}",
                gateway_ca_pem=self.gateway.ca.pem,
                network=msgspec.structs.replace(snapshot.network, **network),
            )
        )

    def later(self, seconds: float) -> None:
        """Let time pass for what is remembered of names."""
        answers = self.stage.sidecar._answers
        at = answers._now() + seconds
        answers._now = lambda: at

    async def get(self, host: str) -> Seen:
        """Ask for a host that is passed through, over plain HTTP."""
        client = await self.stage.to("plain")
        try:
            return await client.get("/", host)
        finally:
            await client.close()


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    gateway = NamesGateway()
    await gateway.open()
    async with open_stage(egress=ALLOW) as stage:
        made = Scene(stage, gateway)
        made.apply()
        yield made
    await gateway.stop()


async def test_the_gateways_word_is_dialled_and_kept(scene: Scene) -> None:
    scene.gateway.known[HOST, "A"] = ["127.0.0.1"]
    dialer = scene.stage.sidecar.state.upstream._dialer
    for _ in range(3):
        endpoint = Endpoint("http", HOST, scene.stage.weather.port)
        transport, _ = await dialer.connect(endpoint, asyncio.Protocol)
        assert transport.get_extra_info("peername") == ("127.0.0.1", endpoint.port)
        transport.abort()
    [seen] = scene.gateway.seen
    assert seen.line == f"GET /pai/resolve?name={HOST}&type=A HTTP/1.1"
    assert seen.get("authorization") == [f"Bearer {GATEWAY_TOKEN}"]
    assert seen.get("host") == [f"{GATEWAY_NAME}:{scene.gateway.port}"]


async def test_ipv6_is_asked_for_only_when_there_is_no_other(scene: Scene) -> None:
    await scene.get("plain.test")
    assert scene.gateway.asked == [
        "/pai/resolve?name=plain.test&type=A",
        "/pai/resolve?name=plain.test&type=AAAA",
    ]


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [
        (["127.0.0.1"], "loopback"),
        (["169.254.169.254"], "cloud metadata"),
        (["100.100.100.200"], "cloud metadata"),
        (["10.0.0.1"], "not in privateUpstreams"),
        (["10.96.0.1"], "API server"),
        (["0.0.0.0"], "unspecified"),
        (["224.0.0.1"], "multicast"),
    ],
)
@pytest.mark.parametrize("host", ["plain.test", "x.wild.test", "db.data.svc"])
async def test_what_may_not_be_dialled_is_not_dialled_on_the_gateways_word(
    scene: Scene, host: str, addresses: list[str], reason: str
) -> None:
    scene.apply(refused=("10.96.0.1/32",))
    asked = f"{host}.cluster.local" if host.endswith(".svc") else host
    scene.gateway.known[asked, "A"] = addresses
    got = await scene.get(host)
    assert got.line.startswith("HTTP/1.1 502")
    assert reason in got.body.decode()
    assert "upstream_refused" in got.body.decode()


@pytest.mark.parametrize("address", ["::1", "fd00:ec2::254", "::ffff:10.0.0.1", "fe80::1"])
async def test_nor_over_ipv6(scene: Scene, address: str) -> None:
    scene.gateway.known["plain.test", "AAAA"] = [address]
    got = await scene.get("plain.test")
    assert "upstream_refused" in got.body.decode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"addresses": ["localhost"], "ttl": 1}',
        b'{"addresses": ["1.2.3.4", "::1"], "ttl": 1}',
        b"<html>",
        b'{"addresses": [], "ttl": 1' + b" " * 5000 + b"}",
    ],
)
async def test_an_answer_that_is_none_is_an_error(scene: Scene, body: bytes) -> None:
    scene.gateway.error = answer(body)
    got = await scene.get("plain.test")
    assert got.line.startswith("HTTP/1.1 502")
    assert "the gateway" in got.body.decode()


async def test_a_services_short_name_is_asked_for_in_full(scene: Scene) -> None:
    await scene.get("db.data.svc")
    assert scene.gateway.asked[0] == "/pai/resolve?name=db.data.svc.cluster.local&type=A"


async def test_static_hosts_are_asked_of_nobody(scene: Scene) -> None:
    scene.apply(static_hosts={HOST: f"127.0.0.1:{scene.stage.weather.port}"})
    client = await scene.stage.tls()
    assert (await client.get()).body == b"ok"
    assert scene.gateway.seen == []
    await client.close()


async def test_callers_share_one_question(scene: Scene) -> None:
    scene.gateway.pause_seconds = lambda seen: 0.2
    await asyncio.gather(*(scene.get("plain.test") for _ in range(10)))
    assert scene.gateway.asked.count("/pai/resolve?name=plain.test&type=A") == 1


async def test_no_datagram_is_ever_sent(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def caught(*_: object, **__: object) -> None:
        raise AssertionError("a datagram")

    async def no_getaddrinfo(*_: object, **__: object) -> None:
        raise AssertionError("the system's resolver")

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "create_datagram_endpoint", caught)
    monkeypatch.setattr(loop, "getaddrinfo", no_getaddrinfo)
    scene.apply(nameservers=("127.0.0.1:53",))  # not even if one were known
    for host in ("plain.test", "x.wild.test", "db.data.svc"):
        got = await scene.get(host)
        assert "no such name" in got.body.decode()
    assert len(scene.gateway.seen) == 6


async def test_a_dialler_without_a_resolver_has_nobody_to_ask() -> None:
    network = Network(nameservers=("127.0.0.1:53",), resolve_through_gateway=True)
    with pytest.raises(UpstreamError, match="no nameserver is configured"):
        await Dialer(network, declared=True).connect(
            Endpoint("http", "a.test", 80), asyncio.Protocol
        )


# The gateway out of reach


async def test_out_of_reach_is_said_clearly(scene: Scene) -> None:
    await scene.gateway.stop()
    got = await scene.get("plain.test")
    assert "plain.test: the gateway is out of reach" in got.body.decode()


async def test_silence_is_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_resolver, "ASK_SECONDS", 0.2)
    scene.gateway.pause_seconds = lambda seen: 30.0
    got = await scene.get("plain.test")
    assert "no answer of the gateway within 0.2 s" in got.body.decode()


def found(scene: Scene, host: str = "plain.test") -> None:
    scene.gateway.known[host, "A"] = ["10.0.0.1"]
    scene.gateway.known[host, "AAAA"] = ["fd00::1"]


@pytest.mark.parametrize("status", ["401 Unauthorized", "429 Too Many", "502 Bad", "503 Not Ready"])
async def test_an_old_answer_serves_while_the_gateway_gives_none(scene: Scene, status: str) -> None:
    found(scene)
    await scene.get("plain.test")
    scene.gateway.error = answer(b"{}", status)
    scene.later(61)
    for _ in range(3):
        assert "not in privateUpstreams" in (await scene.get("plain.test")).body.decode()
    assert "not in privateUpstreams" in (await scene.get("plain.test")).body.decode()
    before = len(scene.gateway.seen)
    assert "the gateway answers" in (await scene.get("x.wild.test")).body.decode()
    assert len(scene.gateway.seen) == before + 1


async def test_an_old_answer_outlives_a_new_snapshot(scene: Scene) -> None:
    found(scene)
    await scene.get("plain.test")
    await scene.gateway.stop()
    scene.later(61)
    scene.apply()
    assert "not in privateUpstreams" in (await scene.get("plain.test")).body.decode()


async def test_an_old_answer_has_an_end(scene: Scene) -> None:
    found(scene)
    await scene.get("plain.test")
    await scene.gateway.stop()
    scene.later(60 + STALE_SECONDS - 1)
    assert "not in privateUpstreams" in (await scene.get("plain.test")).body.decode()
    scene.later(AGAIN_SECONDS)
    assert "out of reach" in (await scene.get("plain.test")).body.decode()


async def test_a_name_that_is_declared_no_more_is_forgotten(scene: Scene) -> None:
    found(scene)
    await scene.get("plain.test")
    scene.later(61)
    error = {"error": {"message": "plain.test is no host\r\nof anything"}}
    scene.gateway.error = answer(json.dumps(error).encode(), "403 Forbidden")
    said = (await scene.get("plain.test")).body.decode()
    assert "the gateway answers 403: plain.test is no hostof anything" in said
    scene.gateway.error = answer(b"{}", "503 Not Ready")
    assert "the gateway answers 503: without a reason" in (
        (await scene.get("plain.test")).body.decode()
    )


# What the agent could try


@pytest.mark.parametrize("path", ["/pai/resolve?name=plain.test&type=A", "/pai/resolve", "/pai/x"])
async def test_the_agent_asks_the_gateway_for_no_name(scene: Scene, path: str) -> None:
    for client in (await scene.stage.to("models"), await scene.stage.tls(LLM_HOST)):
        assert (await client.get(path, LLM_HOST)).line.startswith("HTTP/1.1 404")
        await client.close()
    assert scene.gateway.seen == []


@pytest.mark.parametrize("name", ["x\ny", "x%0d%0ay", "x~y", "a" * 64, ".".join(["a" * 50] * 6)])
async def test_a_name_that_is_none_is_not_asked_for(scene: Scene, name: str) -> None:
    dialer = scene.stage.sidecar.state.unnamed.dialer
    with pytest.raises(UpstreamError, match="is not a host name"):
        await dialer.connect(Endpoint("http", f"{name}.wild.test", 80), asyncio.Protocol)
    assert scene.gateway.seen == []


async def test_a_gateway_without_tls_is_not_asked_for_names(scene: Scene) -> None:
    snapshot = msgspec.structs.replace(
        scene.stage.snapshot, version=99, gateway="http://127.0.0.1:8000"
    )
    with pytest.raises(SpecError, match="https://IP:PORT"):
        scene.stage.apply(snapshot)
