"""A certificate that comes late and changes: who is served when, and with which."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.unit.wire.certificates import Authority, Pair
from tests.unit.wire.kernel import GET, Kernel, read_response, until

from pai.wire import renewed_tls
from pai.wire.exchange import Exchange
from pai.wire.renewed_tls import RenewedTls
from pai.wire.server import HttpServer
from pai.wire.tls import only_ca_context

NAME = "gateway.pai.internal"


class Served:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.server = HttpServer(self.handle)
        self.tls = RenewedTls(self.server)
        self.port = self.tls.bind("127.0.0.1", 0, reuse_port=True)

    async def handle(self, exchange: Exchange) -> None:
        await exchange.respond(200, [], exchange.head.target)

    async def connect(
        self, authority: Authority
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await self.kernel.connect(self.port, only_ca_context(authority.pem), NAME)


@pytest_asyncio.fixture
async def served(kernel: Kernel) -> AsyncIterator[Served]:
    made = Served(kernel)
    yield made
    made.tls.close()
    await made.server.drain(0.1)


async def test_nothing_is_accepted_before_there_is_a_certificate(served: Served) -> None:
    assert not served.tls.serving
    with pytest.raises(ConnectionRefusedError):
        await served.kernel.connect(served.port)
    authority = Authority()
    served.tls.renew(*authority.leaf(NAME))
    reader, writer = await served.connect(authority)
    tls = writer.get_extra_info("ssl_object")
    assert (tls.version(), tls.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
    writer.write(GET)
    assert (await read_response(reader))[1] == b"/x"


async def test_a_renewed_certificate_is_for_new_connections_and_old_ones_stay(
    served: Served,
) -> None:
    first, second = Authority("first"), Authority("second")
    served.tls.renew(*first.leaf(NAME))
    reader, writer = await served.connect(first)
    pair = second.leaf(NAME)
    served.tls.renew(*pair)
    served.tls.renew(*pair)  # every snapshot brings it again
    writer.write(GET)
    assert (await read_response(reader))[1] == b"/x"
    with pytest.raises(ssl.SSLCertVerificationError):
        await served.connect(first)
    _, writer = await served.connect(second)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"


async def test_a_bad_certificate_changes_nothing(served: Served) -> None:
    authority = Authority()
    good = authority.leaf(NAME)
    served.tls.renew(*good)
    other = authority.leaf(NAME)
    for bad in (
        Pair(good.cert_pem, other.key_pem),
        Pair("canary", good.key_pem),
        Pair(good.cert_pem, "canary"),
        Pair("", ""),
    ):
        with pytest.raises(ValueError, match="can't be used together") as caught:
            served.tls.renew(*bad)
        assert "canary" not in str(caught.value)
        reader, writer = await served.connect(authority)
        writer.write(GET)
        assert (await read_response(reader))[1] == b"/x"


async def test_a_first_bad_certificate_opens_nothing(served: Served) -> None:
    with pytest.raises(ValueError, match="can't be used"):
        served.tls.renew("x", "y")
    with pytest.raises(ConnectionRefusedError):
        await served.kernel.connect(served.port)


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\0" * 3000]
)
async def test_what_is_no_tls_gets_no_answer_of_http(served: Served, data: bytes) -> None:
    served.tls.renew(*Authority().leaf(NAME))
    reader, writer = await served.kernel.connect(served.port)
    writer.write(data)
    answered = b""
    with contextlib.suppress(ConnectionError):
        answered = await asyncio.wait_for(reader.read(), 20)
    assert b"HTTP" not in answered
    assert served.server.connections == 0


async def test_old_versions_of_tls_are_refused(served: Served) -> None:
    authority = Authority()
    served.tls.renew(*authority.leaf(NAME))
    context = only_ca_context(authority.pem)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await served.kernel.connect(served.port, context, NAME)


async def test_handshakes_that_stall_are_bounded_for_each_address(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewed_tls, "HANDSHAKES_PER_PEER", 4)
    authority = Authority()
    served.tls.renew(*authority.leaf(NAME))
    stalled = [await served.kernel.connect(served.port) for _ in range(4)]
    await until(lambda: served.tls._shaking["127.0.0.1"] == 4)
    with pytest.raises((ConnectionError, ssl.SSLError)):
        await served.connect(authority)
    stalled[0][1].close()
    await until(lambda: served.tls._shaking["127.0.0.1"] == 3)
    await served.connect(authority)
    for _, writer in stalled:
        writer.close()
    await until(lambda: served.tls._shaking["127.0.0.1"] == 0)


async def test_listeners_that_never_opened_are_given_up(served: Served) -> None:
    served.tls.close()
    again = RenewedTls(served.server)
    assert again.bind("127.0.0.1", served.port) == served.port
    again.close()
