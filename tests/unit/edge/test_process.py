"""A real edge process beside a control that speaks the internal API."""

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import msgspec
from tests.unit.wire.certificates import Authority
from tests.unit.wire.kernel import GET_CLOSE, Kernel, until

from pai.ir.snapshot import EdgeRoute, EdgeSnapshot
from pai.wire.exchange import Exchange
from pai.wire.server import Handler, HttpServer
from pai.wire.tls import server_context


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def answer(kernel: Kernel, port: int, host: bytes) -> bytes:
    try:
        return await kernel.ask(port, GET_CLOSE.replace(b"Host: a", b"Host: " + host))
    except ConnectionError:
        return b""


def control_with(route: EdgeRoute) -> Handler:
    async def control(exchange: Exchange) -> None:
        if exchange.head.get(b"authorization") != b"Bearer cred":
            await exchange.respond(401, [])
        elif exchange.head.query.startswith(b"after=7&"):
            await asyncio.sleep(1)
            await exchange.respond(304, [])
        else:
            snapshot = EdgeSnapshot(version=7, routes=(route,))
            await exchange.respond(200, [], msgspec.json.encode(snapshot))

    return control


async def test_a_worker_serves_what_control_says_and_drains(kernel: Kernel, tmp_path: Path) -> None:
    release = asyncio.Event()

    async def sidecar(exchange: Exchange) -> None:
        if exchange.head.path == b"/slow":
            await release.wait()
        await exchange.respond(200, [], exchange.head.get(b"x-pai-edge") or b"")

    replica = await kernel.server(sidecar)
    public = free_port()
    route = EdgeRoute(
        agent="default/a",
        host_id="abc",
        replicas=(f"127.0.0.1:{replica}",),
        allow_cidrs=("127.0.0.1/32",),
        edge_token="canary-token",
        inbound_port=80,
        public_port=public,
    )

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "edge.credential").write_text("cred")
    internal = HttpServer(control_with(route))
    await internal.listen_unix(str(tmp_path / "run" / "internal.sock"))
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pai.edge", "--data", str(tmp_path), "--listen", f"127.0.0.1:{port}",
        stderr=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": "src"},
    )  # fmt: skip
    try:
        reply = b""
        async with asyncio.timeout(60):
            while b" 200 " not in reply or not (await answer(kernel, public, b"any")):
                reply = await answer(kernel, port, b"abc.localhost")
                await asyncio.sleep(0.05)
        assert b"x-pai-edge" not in reply.lower()
        reader, writer = await kernel.connect(port)
        writer.write(b"GET /slow HTTP/1.1\r\nHost: abc.localhost\r\n\r\n")
        await until(lambda: kernel.last_server.connections > 0)
        await asyncio.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        release.set()
        last = await asyncio.wait_for(reader.read(), 20)
        assert b" 200 OK" in last
        assert b"connection: close" in last
        _, errors = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0
        lines = [json.loads(line) for line in errors.splitlines()]
        assert any(line["message"] == "edge ready" for line in lines)
        assert b"canary-token" not in errors
        assert b"cred" not in errors.replace(b"credential", b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await internal.drain(0)


async def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pai.edge", "--data", str(tmp_path),
            "--listen", f"127.0.0.1:{port}",
            stderr=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": "src"},
        )  # fmt: skip
        _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert f"127.0.0.1:{port}" in json.loads(errors.splitlines()[0])["reason"]


async def test_in_a_pod_it_finds_control_by_a_file_and_is_unready_before_it_ends(
    kernel: Kernel, tmp_path: Path
) -> None:
    async def sidecar(exchange: Exchange) -> None:
        await exchange.respond(200, [], b"served")

    route = EdgeRoute(
        agent="default/a",
        host_id="abc",
        replicas=(f"127.0.0.1:{await kernel.server(sidecar)}",),
        allow_cidrs=("127.0.0.1/32",),
        edge_token="canary-token",
        inbound_port=80,
    )
    authority = Authority()
    leaf = authority.leaf("control.pai.internal")
    control = HttpServer(control_with(route))
    control_port = await control.listen("127.0.0.1", 0, ssl=server_context(*leaf))
    document = {
        "control": f"https://127.0.0.1:{control_port}",
        "ca_pem": authority.pem,
        "server_name": "control.pai.internal",
        "credential": "cred",
    }
    (tmp_path / "bootstrap.json").write_text(json.dumps(document))
    port, probes = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pai.edge", "--bootstrap", str(tmp_path / "bootstrap.json")),
        *("--listen", f"127.0.0.1:{port}", "--listen-probes", f"127.0.0.1:{probes}"),
        *("--drain-lead-seconds", "1"),
        env={**os.environ, "PYTHONPATH": "src"},
    )

    async def probe(path: bytes) -> bytes:
        try:
            return (await kernel.ask(probes, GET_CLOSE.replace(b"/x", path))).split(b" ")[1]
        except (OSError, IndexError):
            return b""

    try:
        async with asyncio.timeout(60):
            while await probe(b"/readyz") != b"200":
                await asyncio.sleep(0.05)
        assert b"served" in await answer(kernel, port, b"abc.localhost")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            while await probe(b"/readyz") != b"503":
                await asyncio.sleep(0.02)
        assert await probe(b"/livez") == b"200"
        assert b"served" in await answer(kernel, port, b"abc.localhost")
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await control.drain(0)
