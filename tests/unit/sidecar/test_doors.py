"""Connections that were redirected to the sidecar: what passes, what is refused, and how."""

import asyncio
import socket
import ssl
import struct

import msgspec
import pytest
from tests.unit.sidecar.stage import (
    HOST,
    LLM_HOST,
    OPEN,
    OTHER,
    Client,
    Seen,
    Stage,
    answer,
    open_stage,
    request,
)

from pai.ir.agent import Egress, EgressRule
from pai.ir.snapshot import Network
from pai.wire.dns.message import NXDOMAIN, Question, decode, encode_query


async def lookup(stage: Stage, name: str, qtype: int = 1) -> tuple[int, list[str]]:
    """Ask over TCP, where nothing is lost."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.listeners.bound.dns)
    query = encode_query(7, Question(name, qtype))
    writer.write(struct.pack("!H", len(query)) + query)
    async with asyncio.timeout(5):
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        message = decode(await reader.readexactly(size))
    writer.close()
    await writer.wait_closed()
    return message.rcode, [record.value for record in message.answers]


@pytest.mark.parametrize("name", [HOST, OTHER, LLM_HOST, HOST.upper()])
async def test_names_of_services_are_the_sidecar(stage: Stage, name: str) -> None:
    assert await lookup(stage, name) == (0, ["127.0.0.1"])
    assert await lookup(stage, name, 28) == (0, [])
    assert await lookup(stage, name, 16) == (0, [])


@pytest.mark.parametrize("name", ["evil.test", "c2VjcmV0.tunnel.test", f"x.{HOST}", "localhost"])
async def test_other_names_do_not_exist_and_are_recorded(stage: Stage, name: str) -> None:
    assert await lookup(stage, name) == (NXDOMAIN, [])
    assert f'"host":"{name.lower()}"' in stage.audit()


async def test_dns_answers_over_udp(stage: Stage) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.connect(("127.0.0.1", stage.listeners.bound.dns))
        await loop.sock_sendall(sock, encode_query(9, Question(HOST, 1)))
        async with asyncio.timeout(5):
            message = decode(await loop.sock_recv(sock, 4096))
    assert (message.id, message.answers[0].value) == (9, "127.0.0.1")


@pytest.mark.parametrize(
    "name", ["evil.test", "xn--80ak6aa92e.test", f"{HOST}.evil.test", f"a.{HOST}"]
)
async def test_tls_to_an_unknown_name_is_refused_with_an_alert(stage: Stage, name: str) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)access.denied"):
        await stage.tls(name)
    assert f'"host":"{name}"' in stage.audit()
    assert stage.open.connections == 0


async def test_tls_without_a_server_name_is_refused(stage: Stage) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await stage.tls(None)
    assert "without a server name" in stage.audit()


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nhost: api.weather.test\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"\x00" * 100,
    ],
)
async def test_what_is_no_tls_is_closed_at_once(stage: Stage, raw: bytes) -> None:
    client = await stage.to("tls")
    client.writer.write(raw)
    async with asyncio.timeout(2):
        assert await client.rest() == b""
    assert "no TLS" in stage.audit()
    await client.close()


async def test_a_hello_that_comes_in_pieces_is_understood(stage: Stage) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cadata=stage.ca.pem)
    tls = context.wrap_bio(incoming, outgoing, server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    client = await stage.to("tls")
    for at in range(0, len(hello), 100):
        client.writer.write(hello[at : at + 100])
        await client.writer.drain()
        await asyncio.sleep(0.005)
    async with asyncio.timeout(5):
        incoming.write(await client.reader.read(16384))
    with pytest.raises(ssl.SSLWantReadError):
        tls.read(1)
    assert tls.version() in ("TLSv1.2", "TLSv1.3")
    client.writer.write(outgoing.read())
    await client.close()


async def test_a_client_that_does_not_trust_us_is_recorded(stage: Stage) -> None:
    where = stage.listeners.bound.tls
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection(
            "127.0.0.1", where, ssl=ssl.create_default_context(), server_hostname=HOST
        )
    async with asyncio.timeout(5):
        while "handshake" not in stage.audit():
            await asyncio.sleep(0.01)


# Hosts that are passed through. Loopback is never dialled for them, so the stage's dialler is told
# that its service is elsewhere.


async def test_an_open_host_on_loopback_is_never_dialled(stage: Stage) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await stage.tls(OPEN)
    assert "is loopback" in stage.audit()
    assert stage.open.connections == 0


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pai.sidecar.state._LOOPBACK", ())


async def test_an_open_host_passes_untouched(stage: Stage, elsewhere: None) -> None:
    client = await stage.tls(OPEN)
    fields = ("authorization: Bearer mine", "accept-encoding: br")
    got = await client.get("//odd/../path", OPEN, *fields)
    assert got.body == b"ok"
    [seen] = stage.open.seen
    assert seen.line == "GET //odd/../path HTTP/1.1"
    assert seen.get("authorization") == ["Bearer mine"]
    assert '"decision":"allowed"' in stage.audit()
    assert f'"host":"{OPEN}:443"' in stage.audit()
    await client.close()


async def test_an_open_host_has_no_way_around_a_policy(elsewhere: None) -> None:
    allow = Egress(allow=(EgressRule(HOST, (443, 80, 22)), EgressRule("*.weather.test", (443,))))
    async with open_stage(egress=allow) as stage:
        client = await stage.tls(HOST)
        got = await client.get("/admin/x")
        assert got.line.startswith("HTTP/1.1 403")
        assert stage.weather.seen == []
        await client.close()


async def test_plain_http_to_an_open_host(elsewhere: None) -> None:
    async with open_stage(open_tls=False) as stage:
        client = await stage.to("plain")
        got = await client.get("/x", OPEN, "authorization: Bearer mine")
        assert got.body == b"ok"
        assert stage.open.seen[0].get("authorization") == ["Bearer mine"]
        await client.close()


async def test_plain_http_on_a_port_that_is_not_listed(elsewhere: None) -> None:
    allow = Egress(allow=(EgressRule(OPEN, (443,)),))
    async with open_stage(egress=allow, open_tls=False) as stage:
        client = await stage.to("plain")
        assert (await client.get("/x", OPEN)).line.startswith("HTTP/1.1 403")
        assert stage.open.seen == []
        await client.close()


async def own_address(stage: Stage, name: str = OPEN) -> str:
    _, [address] = await lookup(stage, name)
    assert address.startswith("198.18.")
    return address


async def test_another_port_of_an_open_host_is_joined_to_it(elsewhere: None) -> None:
    async with open_stage(open_tls=False) as stage:
        stage.went = (await own_address(stage), 9999)
        client = await stage.to("plain")
        got = await client.ask(b"GET /raw HTTP/1.1\r\nhost: whatever\r\n\r\n")
        assert got.body == b"ok"
        assert stage.open.seen[0].get("host") == ["whatever"]
        await client.close()


async def test_a_port_that_is_not_listed_is_closed(elsewhere: None) -> None:
    async with open_stage(open_tls=False) as stage:
        stage.went = (await own_address(stage), 22)
        client = await stage.to("plain")
        async with asyncio.timeout(2):
            assert await client.rest() == b""
        assert f"port 22 of {OPEN} is not in egress.allow" in stage.audit()
        assert stage.open.connections == 0
        await client.close()


async def test_a_wildcard_never_leads_to_a_private_address() -> None:
    allow = Egress(allow=(EgressRule("*.rebind.test", (443, 5432)),))
    async with open_stage(egress=allow) as stage:
        network = Network(
            nameservers=("127.0.0.1:1",),
            private_upstreams=("10.0.0.0/8",),
            static_hosts={"x.rebind.test": "10.0.0.1:443"},
        )
        stage.apply(msgspec.structs.replace(stage.snapshot, version=2, network=network))
        stage.went = (await own_address(stage, "x.rebind.test"), 5432)
        client = await stage.to("plain")
        assert await client.rest() == b""
        assert "private" in stage.audit()
        await client.close()


# Addresses in place of names


@pytest.mark.parametrize(
    ("address", "port"), [("203.0.113.9", 80), ("169.254.169.254", 80), ("10.0.0.1", 8080)]
)
async def test_http_to_an_address_is_refused_with_a_reason(
    stage: Stage, address: str, port: int
) -> None:
    stage.went = (address, port)
    client = await stage.to("plain")
    got = await client.get("/", HOST)
    assert got.line == "HTTP/1.1 403 Forbidden"
    assert address in got.body.decode()
    assert "egress.allow" in got.body.decode()
    assert f'"host":"{address}:{port}"' in stage.audit()
    assert stage.weather.seen == []
    await client.close()


@pytest.mark.parametrize("said", [b"", b"\0\0\0\x08\x04\xd2\x16/", b"hello there", b"EHLO x\r\n"])
async def test_anything_else_to_an_address_is_closed_at_once(stage: Stage, said: bytes) -> None:
    stage.went = ("203.0.113.9", 5432)
    client = await stage.to("plain")
    client.writer.write(said)
    async with asyncio.timeout(1):
        assert await client.rest() == b""
    assert "direct connection to 203.0.113.9:5432" in stage.audit()
    await client.close()


async def test_what_is_no_http_on_the_web_port_is_closed(stage: Stage) -> None:
    client = await stage.to("plain")
    client.writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    async with asyncio.timeout(1):
        assert await client.rest() == b""
    assert "neither HTTP" in stage.audit()
    await client.close()


async def test_audit_mode_passes_and_records_what_is_not_listed(elsewhere: None) -> None:
    async with open_stage(egress=Egress(mode="audit"), open_tls=False) as stage:
        network = msgspec.structs.replace(
            stage.snapshot.network,
            static_hosts={"any.test": f"127.0.0.1:{stage.open.port}"},
        )
        snapshot = msgspec.structs.replace(stage.snapshot, version=2, network=network)
        stage.apply(snapshot)
        stage.went = (await own_address(stage, "any.test"), 1234)
        client = await stage.to("plain")
        # its name is the agent's choice: a private address stays closed even in audit mode
        assert await client.rest() == b""
        assert '"audited"' not in stage.audit()
        assert "127.0.0.1 is loopback" in stage.audit()
        await client.close()


async def test_metadata_stays_closed_in_audit_mode() -> None:
    async with open_stage(egress=Egress(mode="audit")) as stage:
        stage.went = ("169.254.169.254", 80)
        client = await stage.to("plain")
        client.writer.write(request("GET", "/latest/meta-data", "169.254.169.254"))
        async with asyncio.timeout(2):
            assert await client.rest() == b""
        assert "cloud metadata" in stage.audit()
        await client.close()


async def test_a_bad_snapshot_leaves_the_one_before(stage: Stage) -> None:
    bad = msgspec.structs.replace(stage.snapshot, version=2, cert_pem="garbage")
    with pytest.raises(Exception, match="certificate"):
        stage.apply(bad)
    assert stage.snapshot.version == 1
    client = await stage.tls()
    assert (await client.get()).body == b"ok"
    await client.close()


async def test_a_new_leaf_counts_for_new_connections(stage: Stage) -> None:
    old = await stage.tls()
    cert, key = stage.ca.leaf(HOST)
    stage.apply(msgspec.structs.replace(stage.snapshot, version=2, cert_pem=cert, key_pem=key))
    assert (await old.get()).body == b"ok"
    new = await stage.tls()
    assert peer(new) != peer(old)
    with pytest.raises(ssl.SSLCertVerificationError):
        await stage.tls(OTHER)
    await old.close()
    await new.close()


def peer(client: Client) -> bytes:
    found = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert isinstance(found, bytes)
    return found


def echo(seen: Seen) -> bytes:
    return answer(seen.line.encode())


async def test_a_host_taken_away_is_refused_on_open_connections_too(stage: Stage) -> None:
    stage.weather.respond = echo
    client = await stage.tls()
    assert (await client.get()).line == "HTTP/1.1 200 OK"
    stage.apply(msgspec.structs.replace(stage.snapshot, version=2, providers=()))
    got = await client.get()
    assert got.line.startswith("HTTP/1.1 403")
    await client.close()
