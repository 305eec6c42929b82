import asyncio
from collections.abc import AsyncIterator

import pytest

from pai.control.containers import readiness
from pai.control.containers.readiness import Prober
from pai.reconcile import Readiness

ANSWERS = {
    b"good": b"HTTP/1.1 200 OK\r\ncontent-length: 31\r\n\r\n" + b'{"sidecar":true,"inbound":null}',
    b"shut": b"HTTP/1.1 200 OK\r\ncontent-length: 32\r\n\r\n" + b'{"sidecar":true,"inbound":false}',
    b"bad": b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
    b"odd": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]",
    b"rude": b"nonsense\r\n\r\n",
}


@pytest.fixture
async def sidecar(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        token = next(line for line in head.split(b"\r\n") if line.startswith(b"x-pai-edge"))
        assert head.startswith(b"GET /.pai/ready ")
        writer.write(ANSWERS.get(token.partition(b": ")[2], b""))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    monkeypatch.setattr(readiness, "SIDECAR_PORT", server.sockets[0].getsockname()[1])
    yield
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("good", Readiness(sidecar=True)),
        ("shut", Readiness(sidecar=True, inbound=False)),
        ("bad", Readiness()),
        ("odd", Readiness()),
        ("rude", Readiness()),
        ("none", Readiness()),
    ],
)
async def test_what_sidecars_answer(sidecar: None, token: str, expected: Readiness) -> None:
    prober = Prober()
    found = await prober.ask({0: "127.0.0.1", 3: "127.0.0.2"}, token)
    await prober.close()
    assert found[0] == expected
    assert set(found) == {0, 3}
