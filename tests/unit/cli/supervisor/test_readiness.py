import asyncio
from pathlib import Path

from pai.cli.supervisor.plan import Probe
from pai.cli.supervisor.readiness import answers


async def answering(path: Path, text: bytes) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        await writer.drain()
        writer.close()

    return await asyncio.start_unix_server(serve, path)


async def test_only_200_is_healthy(tmp_path: Path) -> None:
    for status, healthy in ((200, True), (503, False), (2000, False)):
        path = tmp_path / f"{status}.sock"
        text = f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode()
        async with await answering(path, text):
            assert await answers(Probe(socket=path)) is healthy


async def test_nobody_there_is_not_ready(tmp_path: Path) -> None:
    assert not await answers(Probe(socket=tmp_path / "no.sock"))
    assert not await answers(Probe(port=9))


async def test_a_port_that_accepts_is_ready() -> None:
    def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await answers(Probe(port=port))
