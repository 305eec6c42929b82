"""A proxy before the API server that refuses calls and cuts connections on purpose.

Plain HTTP on this side, so that it can read what it spoils; one request a connection.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import User

# Given the request line: an answer to give instead of the server's, or None.
Fault = Callable[[str], bytes | None]


class FaultProxy:
    """Listens on a port of its own. cuts: connections that were ended on purpose."""

    def __init__(self, kubeconfig: Path) -> None:
        config = KubeConfig.from_file(kubeconfig).get()
        assert config is not None
        self._server_url = urlsplit(config.cluster.server)
        self._tls = verify_cluster(config.cluster, config.user or User(), config.abs_file)
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.fault: Fault = lambda _line: None
        self.cuts = 0

    async def start(self, directory: Path) -> Path:
        """Listen, and return a kubeconfig that leads here."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        cluster = {"server": f"http://127.0.0.1:{port}"}
        document = {
            "clusters": [{"name": "c", "cluster": cluster}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            "current-context": "c",
        }
        file = directory / "proxied.kubeconfig"
        file.write_text(yaml.safe_dump(document))
        return file

    def cut(self) -> None:
        """End every connection in the middle of whatever it carries."""
        for writer in tuple(self._open):
            self.cuts += 1
            writer.transport.abort()

    async def close(self) -> None:
        """Stop listening."""
        self.cut()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            answer = self.fault(head.split(b"\r\n", 1)[0].decode())
            if answer is not None:
                writer.write(answer)
                await writer.drain()
            else:
                await self._pass_on(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # either side hung up, as is the point
        finally:
            self._tasks.discard(task)
            self._open.discard(writer)
            writer.close()

    async def _pass_on(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host, port = self._server_url.hostname, self._server_url.port
        up_reader, up_writer = await asyncio.open_connection(host, port, ssl=self._tls)
        lines = [
            line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")
        ]
        up_writer.write(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]))
        sending = asyncio.ensure_future(_pump(reader, up_writer))
        try:
            await _pump(up_reader, writer)
        finally:
            sending.cancel()
            up_writer.transport.abort()
            await asyncio.wait([sending])


def answer(code: int, reason: str, **headers: str) -> bytes:
    """A whole HTTP answer that says no."""
    body = f'{{"kind":"Status","code":{code},"reason":"{reason}","message":"on purpose"}}'
    lines = [f"HTTP/1.1 {code} No", "Content-Type: application/json", "Connection: close"]
    lines += [f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(64 * 1024):
        writer.write(data)
        await writer.drain()
