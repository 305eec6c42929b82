"""The process: first snapshot, readiness, audit to control, rotation, control down, the end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from tests.unit.sidecar.stage import (
    DUMMY,
    EDGE,
    TOKEN,
    Ca,
    Client,
    Seen,
    Service,
    Stage,
    answer,
    open_stage,
    providers,
    request,
)

from pai.ir.snapshot import SidecarSnapshot
from pai.sidecar.listeners import Ports
from pai.wire.tls import server_context

NAME = "control.pai.internal"
CREDENTIAL = "sidecar-credential-of-the-stage"


class Control(Service):
    """Serves one snapshot over TLS and takes audit records."""

    def __init__(self, snapshot: SidecarSnapshot) -> None:
        super().__init__()
        self.snapshot = snapshot
        self.ca = Ca()
        self.respond = self._answer
        self.pause_seconds = lambda seen: 0.3 if self._knows(seen) else 0.0

    async def open(self) -> None:
        await self.start(server_context(*self.ca.leaf(NAME)))

    def _answer(self, seen: Seen) -> bytes:
        if seen.get("authorization") != [f"Bearer {CREDENTIAL}"]:
            return answer(b"", "401 Unauthorized")
        if "POST" in seen.line:
            return answer(b"", "204 No Content").replace(b"content-length: 0\r\n", b"")
        if self._knows(seen):
            return answer(b"", "304 Not Modified").replace(b"content-length: 0\r\n", b"")
        return answer(msgspec.json.encode(self.snapshot))

    def _knows(self, seen: Seen) -> bool:
        return f"after={self.snapshot.version}&" in seen.line

    def bootstrap(self) -> bytes:
        return json.dumps(
            {
                "control": f"https://127.0.0.1:{self.port}",
                "ca_pem": self.ca.pem,
                "server_name": NAME,
                "credential": CREDENTIAL,
            }
        ).encode()

    def records(self) -> list[dict[str, object]]:
        posts = [json.loads(seen.body) for seen in self.seen if "POST" in seen.line]
        return [record for post in posts for record in post["records"]]


def free_ports() -> Ports:
    sockets = [socket.socket() for _ in range(7)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    models, dns, plain, inbound, tls, *pod = (sock.getsockname()[1] for sock in sockets)
    for sock in sockets:
        sock.close()
    return Ports(models, dns, plain, inbound, tls, "127.0.0.1", *pod)


class Process:
    """A sidecar that runs on its own, with its output in files."""

    def __init__(self, folder: Path, bootstrap: bytes, *words: str, **env: str) -> None:
        self.ports = free_ports()
        self.out, self.err = folder / "out", folder / "err"
        (folder / "bootstrap.json").write_bytes(bootstrap)
        fields = ("models", "dns", "plain", "inbound", "tls", "address", "public", "probes")
        numbers = ",".join(str(getattr(self.ports, name)) for name in fields)
        command = [
            sys.executable, "-m", "pai.sidecar",
            "--bootstrap", str(folder / "bootstrap.json"), "--listen", numbers, *words,
        ]  # fmt: skip
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.popen = subprocess.Popen(
                command, stdout=out, stderr=err, env={**os.environ, "PYTHONPATH": "src", **env}
            )

    async def until_ready(self) -> None:
        async with asyncio.timeout(20):
            while True:
                assert self.popen.poll() is None, self.err.read_text()
                try:
                    client = Client(*await asyncio.open_connection("127.0.0.1", self.ports.inbound))
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                got = await client.ask(request("GET", "/.pai/ready", "x", f"x-pai-edge: {EDGE}"))
                await client.close()
                assert json.loads(got.body)["sidecar"] is True
                return

    async def get(self, path: str = "/v1/now") -> Seen:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.ports.plain))
        got = await client.get(path)
        await client.close()
        return got

    async def stop(self, number: int = signal.SIGTERM) -> int:
        self.popen.send_signal(number)
        return await asyncio.to_thread(self.popen.wait, 15)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[Stage, Control, Process]]:
    async with open_stage() as stage:
        control = Control(stage.snapshot)
        await control.open()
        process = Process(folder, control.bootstrap())
        try:
            await process.until_ready()
            yield stage, control, process
        finally:
            process.popen.kill()
            process.popen.wait()
            await control.stop()


async def test_it_serves_records_rotates_and_ends(tmp_path: Path) -> None:
    async with running(tmp_path) as (stage, control, process):
        stage.weather.respond = lambda seen: answer(str(seen.headers).encode())
        got = await process.get()
        assert DUMMY in got.body.decode()
        assert TOKEN not in got.body.decode()
        assert stage.weather.seen[-1].get("authorization") == [f"Bearer {TOKEN}"]
        await process.get("/admin/x")

        control.snapshot = msgspec.structs.replace(
            control.snapshot, version=2, providers=providers(token="rotated-token-1")
        )
        async with asyncio.timeout(5):  # the promise: effective within five seconds
            while stage.weather.seen[-1].get("authorization") != ["Bearer rotated-token-1"]:
                await process.get()
                await asyncio.sleep(0.05)

        assert await process.stop() == 0
        decisions = [record["decision"] for record in control.records()]
        assert decisions[:2] == ["allowed", "denied"]
        lines = process.out.read_text().splitlines()
        assert len(lines) == len(decisions)
        everything = process.out.read_text() + process.err.read_text() + str(control.records())
        for secret in (TOKEN, "rotated-token-1", CREDENTIAL, EDGE):
            assert secret not in everything


async def test_it_goes_on_while_control_is_down(tmp_path: Path) -> None:
    async with running(tmp_path) as (stage, control, process):
        await control.stop()
        for _ in range(3):
            assert (await process.get()).line == "HTTP/1.1 200 OK"
        assert process.popen.poll() is None
        await control.open()
        assert len(stage.weather.seen) == 3


async def test_requests_under_way_end_before_the_process_does(tmp_path: Path) -> None:
    async with running(tmp_path) as (stage, _, process):
        pieces = [b"1\r\nx\r\n"] * 40
        head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        stage.weather.chunks = [head, *pieces, b"0\r\n\r\n"]
        asking = asyncio.ensure_future(process.get())
        while not stage.weather.seen:
            await asyncio.sleep(0.01)
        assert await process.stop() == 0
        assert (await asking).body == b"x" * 40


async def test_a_missing_bootstrap_file_is_one_clear_line() -> None:
    result = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "pai.sidecar", "--bootstrap", "/no/such/file"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": "src"},
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.decode() == "error: /no/such/file: No such file or directory\n"


async def status(port: int | None, path: str) -> int:
    """Ask for a path; 0 when nobody listens."""
    try:
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
    except OSError:
        return 0
    got = await client.get(path, "x")
    await client.close()
    return int(got.line.split()[1])


async def until(port: int | None, path: str, expected: int) -> None:
    async with asyncio.timeout(20):
        while await status(port, path) != expected:
            await asyncio.sleep(0.05)


async def test_in_a_pod_probes_come_first_and_records_carry_the_pods_number(
    tmp_path: Path,
) -> None:
    async with open_stage() as stage:
        control = Control(stage.snapshot)
        held = asyncio.Event()
        control.pause_seconds = lambda seen: 0.0 if held.is_set() else 1.0
        await control.open()
        process = Process(tmp_path, control.bootstrap(), "--cluster", PAI_REPLICA="17")
        ports = process.ports
        try:
            await until(ports.probes, "/livez", 503)
            assert await status(ports.probes, "/readyz") == 503
            for port in (ports.public, ports.inbound, ports.plain, ports.tls):
                assert await status(port, "/") == 0
            held.set()
            await until(ports.probes, "/livez", 200)
            assert await status(ports.probes, "/readyz") == 200
            assert await status(ports.public, "/") == 403
            assert await process.stop() == 0
        finally:
            process.popen.kill()
            process.popen.wait()
            await control.stop()
        assert {seen.get("x-pai-replica")[0] for seen in control.seen} == {"17"}
        assert {record.get("replica") for record in control.records()} == {17}


async def test_without_the_flag_no_port_of_a_pod_is_open(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, control, process):
        assert await status(process.ports.public, "/") == 0
        assert await status(process.ports.probes, "/livez") == 0
        assert all(seen.get("x-pai-replica") == [] for seen in control.seen)


@pytest.mark.parametrize("text", ["", "-1", "1.0", " 1", "01", "0x1", "one", "9" * 30, "\u0661"])
def test_a_malformed_replica_is_one_clear_line(tmp_path: Path, text: str) -> None:
    process = Process(tmp_path, b"{}", "--cluster", PAI_REPLICA=text)
    assert process.popen.wait(20) == 1
    [line] = process.err.read_text().splitlines()
    assert line.startswith("error: PAI_REPLICA: ")


async def test_it_is_small(tmp_path: Path) -> None:
    """The aim is 40 MiB with work behind it; the margin is for other machines' allocators."""
    async with running(tmp_path) as (stage, _, process):
        stage.weather.respond = lambda seen: answer(b"x" * 100_000)
        for _ in range(50):
            await process.get()
        status = Path(f"/proc/{process.popen.pid}/status").read_text()
        [rss] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
        print(f"resident: {rss / 1024:.1f} MiB")
        assert rss < 48 * 1024
