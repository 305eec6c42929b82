"""The way to a gateway over TLS: one name, one CA, whatever else the machine trusts."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.unit.sidecar.stage import (
    GATEWAY_TOKEN,
    Ca,
    Client,
    Seen,
    Service,
    Stage,
    answer,
    request,
)

from pai.errors import SpecError
from pai.ir.snapshot import SidecarSnapshot
from pai.sidecar.state import GATEWAY_NAME, State
from pai.wire.limits import ClientLimits
from pai.wire.tls import server_context


def over_tls(snapshot: SidecarSnapshot, port: int, ca_pem: str) -> SidecarSnapshot:
    return msgspec.structs.replace(
        snapshot, version=2, gateway=f"https://127.0.0.1:{port}", gateway_ca_pem=ca_pem
    )


@asynccontextmanager
async def gateway_with(
    stage: Stage, *names: str, issuer: Ca, trusted: Ca
) -> AsyncIterator[Service]:
    service = Service()
    await service.start(server_context(*issuer.leaf(*names)))
    stage.apply(over_tls(stage.snapshot, service.port, trusted.pem))
    try:
        yield service
    finally:
        await service.stop()


async def ask(stage: Stage) -> Seen:
    client = await stage.to("models")
    try:
        return await client.ask(request("POST", "/v1/chat/completions", "x", body=b"{}"))
    finally:
        await client.close()


async def test_requests_reach_it_over_one_pooled_connection(stage: Stage) -> None:
    ca = Ca()
    async with gateway_with(stage, GATEWAY_NAME, issuer=ca, trusted=ca) as gateway:
        for _ in range(5):
            assert (await ask(stage)).body == b"ok"
        assert gateway.connections == 1
        assert gateway.seen[0].get("authorization") == [f"Bearer {GATEWAY_TOKEN}"]
        assert len(gateway.seen[0].get("host")) == 1
    assert stage.gateway.seen == []


@pytest.mark.parametrize(
    "names",
    [
        ("127.0.0.1",),
        ("control.pai.internal",),
        ("gateway.pai.internal.evil.test",),
        ("x.gateway.pai.internal",),
        ("*.internal",),
        ("api.weather.test",),
    ],
)
async def test_a_certificate_of_another_name_is_refused(
    stage: Stage, names: tuple[str, ...]
) -> None:
    ca = Ca()
    async with gateway_with(stage, *names, issuer=ca, trusted=ca) as gateway:
        got = await ask(stage)
        assert got.line.startswith("HTTP/1.1 502")
        assert b"certificate" in got.body
        assert gateway.seen == []


async def test_a_certificate_of_another_authority_is_refused(stage: Stage) -> None:
    async with gateway_with(stage, GATEWAY_NAME, issuer=Ca(), trusted=Ca()) as gateway:
        assert (await ask(stage)).line.startswith("HTTP/1.1 502")
        assert gateway.seen == []


async def test_what_upstreams_are_trusted_by_does_not_count_here(stage: Stage) -> None:
    """stage.ca signs for services: it stands for the system's roots and extra_ca_pem."""
    async with gateway_with(stage, GATEWAY_NAME, issuer=stage.ca, trusted=Ca()) as gateway:
        assert (await ask(stage)).line.startswith("HTTP/1.1 502")
        assert gateway.seen == []


async def test_clear_text_behind_an_https_url_is_refused(stage: Stage) -> None:
    got = []

    async def clear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer())
        got.append(await reader.read(65536))
        writer.close()

    server = await asyncio.start_server(clear, "127.0.0.1", 0)
    stage.apply(over_tls(stage.snapshot, server.sockets[0].getsockname()[1], Ca().pem))
    assert (await ask(stage)).line.startswith("HTTP/1.1 502")
    assert GATEWAY_TOKEN.encode() not in b"".join(got)
    server.close()


@pytest.mark.parametrize(
    ("gateway", "ca_pem", "fault"),
    [
        ("https://127.0.0.1:8443", "", "gateway_ca_pem"),
        ("https://127.0.0.1:8443", " \n", "gateway_ca_pem"),
        ("https://127.0.0.1:8443", "no certificate", "gateway_ca_pem"),
        ("https://gateway.pai.internal:8443", None, "https://IP:PORT"),
        ("https://evil.test", None, "https://IP:PORT"),
        ("https://127.0.0.1", None, "https://IP:PORT"),
        ("ftp://127.0.0.1:1", None, "base URL"),
        ("127.0.0.1:8000", None, "base URL"),
    ],
)
async def test_a_gateway_that_can_not_be_verified_is_refused(
    stage: Stage, gateway: str, ca_pem: str | None, fault: str
) -> None:
    ca = stage.ca.pem if ca_pem is None else ca_pem
    snapshot = msgspec.structs.replace(
        stage.snapshot, version=2, gateway=gateway, gateway_ca_pem=ca
    )
    with pytest.raises(SpecError, match=fault):
        stage.apply(snapshot)
    assert stage.snapshot.version == 1


async def test_ipv6_and_the_agents_port_are_dialled_as_they_are(stage: Stage) -> None:
    snapshot = msgspec.structs.replace(
        stage.snapshot, gateway="https://[fd00::1]:8443", gateway_ca_pem=stage.ca.pem
    )
    state = State(snapshot, ClientLimits())
    assert state.gateway == ("https", GATEWAY_NAME, 8443, "")
    state.close()
    ca = Ca()
    async with gateway_with(stage, GATEWAY_NAME, issuer=ca, trusted=ca):
        client = await stage.to("inbound")
        fields = ("x-pai-edge: edge-token-of-the-stage", "x-forwarded-for: 203.0.113.7")
        assert (await client.get("/", "bot.example", *fields)).body == b"ok"
        await client.close()


async def test_events_stream_through_as_they_come(stage: Stage) -> None:
    ca = Ca()
    async with gateway_with(stage, GATEWAY_NAME, issuer=ca, trusted=ca) as gateway:
        head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        gateway.chunks = [head, *[b"8\r\ndata: 1\n\r\n"] * 20, b"0\r\n\r\n"]
        client = await stage.to("models")
        client.writer.write(request("POST", "/v1/chat/completions", "x", body=b"{}"))
        await client.reader.readuntil(b"\r\n\r\n")
        arrivals = []
        for _ in range(20):
            await client.reader.readuntil(b"data: 1")
            arrivals.append(time.monotonic())
        assert arrivals[-1] - arrivals[0] > 0.1  # each by itself, not all at the end
        await client.close()


async def test_a_renewed_authority_is_used_at_once(stage: Stage) -> None:
    old, new = Ca(), Ca()
    async with gateway_with(stage, GATEWAY_NAME, issuer=old, trusted=old) as gateway:
        assert (await ask(stage)).body == b"ok"
        stage.apply(msgspec.structs.replace(stage.snapshot, version=3, gateway_ca_pem=new.pem))
        assert (await ask(stage)).line.startswith("HTTP/1.1 502")
        assert len(gateway.seen) == 1


async def test_an_agent_can_not_lead_the_gateways_name_elsewhere(stage: Stage) -> None:
    network = msgspec.structs.replace(
        stage.snapshot.network,
        static_hosts={**stage.snapshot.network.static_hosts, GATEWAY_NAME: "127.0.0.1:1"},
    )
    stage.apply(msgspec.structs.replace(stage.snapshot, version=2, network=network))
    ca = Ca()
    async with gateway_with(stage, GATEWAY_NAME, issuer=ca, trusted=ca):
        assert (await ask(stage)).body == b"ok"
    client: Client = await stage.to("plain")
    assert (await client.get("/", GATEWAY_NAME)).line.startswith("HTTP/1.1 403")
    await client.close()
