"""Without redirect rules: doors where clients look by themselves, on loopback alone."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator

import pytest
from tests.unit.sidecar.stage import DUMMY, HOST, OPEN, TOKEN, Client, Stage, answer, open_stage

from pai.ir.agent import Egress, EgressRule
from pai.sidecar.audit import AuditLog
from pai.sidecar.listeners import Listeners, Ports, Usual
from pai.sidecar.names import LOOPBACK, Names
from pai.sidecar.routes import Routes
from pai.sidecar.state import State
from pai.wire.dns.message import NXDOMAIN, Question, decode, encode_query
from pai.wire.limits import ServerLimits

PORTS = Ports(0, 0, 0, 0, 0, "127.0.0.1", 0, 0, Usual(0, 0, 0))
ONLY_OTHER, MIXED = "db.test", "mixed.test"
EGRESS = Egress(
    allow=(
        EgressRule(ONLY_OTHER, (5432, 6432)),
        EgressRule(MIXED, (443, 5432)),
        EgressRule(OPEN, (443,)),
    )
)
HOSTS = ("127.0.0.1", "::1")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    # conntrack without a redirect tells the listener's own address, a kernel without it nothing
    async with open_stage(ports=PORTS, egress=EGRESS, destination=lambda sock: None) as opened:
        yield opened


def usual(stage: Stage) -> Usual:
    ports = stage.listeners.bound.usual
    assert ports is not None
    return ports


async def lookup(stage: Stage, name: str, host: str, qtype: int = 1) -> tuple[int, list[str]]:
    reader, writer = await asyncio.open_connection(host, usual(stage).dns)
    query = encode_query(7, Question(name, qtype))
    writer.write(struct.pack("!H", len(query)) + query)
    async with asyncio.timeout(5):
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        message = decode(await reader.readexactly(size))
    writer.close()
    await writer.wait_closed()
    return message.rcode, [record.value for record in message.answers]


@pytest.mark.parametrize("host", HOSTS)
async def test_names_are_answered_on_the_usual_port(stage: Stage, host: str) -> None:
    for name in (HOST, OPEN, MIXED):
        assert await lookup(stage, name, host) == (0, [LOOPBACK])
    assert await lookup(stage, "evil.test", host) == (NXDOMAIN, [])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.connect((host, usual(stage).dns))
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, encode_query(9, Question(HOST, 1)))
        async with asyncio.timeout(5):
            assert decode(await loop.sock_recv(sock, 4096)).answers[0].value == LOOPBACK


async def test_a_name_with_other_ports_alone_does_not_exist_and_the_record_says_why(
    stage: Stage,
) -> None:
    assert await lookup(stage, ONLY_OTHER, LOOPBACK) == (NXDOMAIN, [])
    assert f"{ONLY_OTHER} is listed for port 5432, 6432 alone" in stage.audit()
    assert "only ports 80 and 443 lead out" in stage.audit()


@pytest.mark.parametrize("host", HOSTS)
async def test_tls_on_the_usual_port_is_intercepted(stage: Stage, host: str) -> None:
    stage.weather.respond = lambda seen: answer(str(seen.headers).encode())
    context = ssl.create_default_context(cadata=stage.ca.pem)
    streams = await asyncio.open_connection(
        host, usual(stage).tls, ssl=context, server_hostname=HOST
    )
    client = Client(*streams)
    got = await client.get("/v1/now", HOST, f"authorization: Bearer {DUMMY}")
    assert DUMMY in got.body.decode()
    assert stage.weather.seen[-1].get("authorization") == [f"Bearer {TOKEN}"]
    await client.close()


@pytest.mark.parametrize("host", HOSTS)
async def test_plain_http_on_the_usual_port_is_served(stage: Stage, host: str) -> None:
    client = Client(*await asyncio.open_connection(host, usual(stage).plain))
    assert (await client.get("/v1/now")).line == "HTTP/1.1 200 OK"
    assert (await client.get("/admin/x")).line.startswith("HTTP/1.1 403")
    assert (await client.get("/", "evil.test")).line.startswith("HTTP/1.1 403")
    await client.close()


@pytest.mark.parametrize("name", ["evil.test", f"{HOST}.evil.test", ONLY_OTHER])
async def test_other_names_are_refused_at_the_tls_door(stage: Stage, name: str) -> None:
    context = ssl.create_default_context(cadata=stage.ca.pem)
    with pytest.raises(ssl.SSLError, match=r"(?i)access.denied"):
        await asyncio.open_connection(LOOPBACK, usual(stage).tls, ssl=context, server_hostname=name)
    assert f'"host":"{name}"' in stage.audit()


async def test_a_listed_host_is_passed_through(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pai.sidecar.state._LOOPBACK", ())  # where the stage's service is
    context = ssl.create_default_context(cadata=stage.ca.pem)
    streams = await asyncio.open_connection(
        LOOPBACK, usual(stage).tls, ssl=context, server_hostname=OPEN
    )
    client = Client(*streams)
    assert (await client.get("/", OPEN)).body == b"ok"
    assert f'"host":"{OPEN}:443"' in stage.audit()
    await client.close()


async def test_no_door_of_the_agent_is_open_to_other_pods() -> None:
    """No rule keeps them out here: whoever reached a door would use this agent's credentials."""

    def none_yet() -> State:
        raise AssertionError

    ports = Ports(0, 0, 0, 0, 0, "0.0.0.0", 0, 0, Usual(0, 0, 0))
    listeners = Listeners(ports, none_yet, AuditLog(lambda line: None), ServerLimits())
    listeners.bind()
    await listeners.start()
    try:
        for port in (listeners.bound.plain, listeners.bound.tls, *(listeners.bound.usual or ())):
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.2", port)
        for port in (listeners.bound.inbound, listeners.bound.public):
            _, writer = await asyncio.open_connection("127.0.0.2", port)
            writer.close()
            _, writer = await asyncio.open_connection("::1", port)
            writer.close()
    finally:
        await listeners.stop(0.1)


async def test_audit_mode_needs_no_address_of_its_own() -> None:
    async with open_stage(egress=Egress(mode="audit")) as stage:
        routes: Routes = stage.sidecar.state.routes
        assert Names(redirected=False).address_for("any.test", routes) == LOOPBACK
        assert Names().address_for("any.test", routes) == "198.18.0.1"
