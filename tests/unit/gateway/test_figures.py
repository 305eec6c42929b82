"""The door of scrapers: who may read, and that one answer holds all workers' figures."""

import asyncio
import hashlib
from pathlib import Path

from tests.unit.gateway.far_control import free_port
from tests.unit.wire.kernel import Kernel

from pai.gateway.counters import Counters
from pai.gateway.figures import Figures

TOKEN = "pai_metrics_canary"
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()
ASK = "GET {} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nauthorization: {}\r\n\r\n"


def figures(number: int, directory: Path | None) -> Figures:
    """Return a worker's figures: as many requests as its number says."""
    counters = Counters()
    counters.statuses[200] = number
    made = Figures(lambda: counters.pieces(str(number), 0, 0), number, directory)
    made.trust(DIGEST)
    return made


async def asked(
    kernel: Kernel, port: int, token: str = f"Bearer {TOKEN}", path: str = "/metrics"
) -> str:
    return (await kernel.ask(port, ASK.format(path, token).encode())).decode()


async def test_whoever_is_asked_tells_of_all_workers(kernel: Kernel, tmp_path: Path) -> None:
    port = free_port()
    workers = [figures(number, tmp_path) for number in (1, 2, 3)]
    for each in workers:
        await each.listen(("127.0.0.1", port))
    for _ in range(8):
        text = await asked(kernel, port)
        for number in (1, 2, 3):
            line = f'pai_gateway_requests_total{{worker="{number}",status="200"}} {number}'
            assert text.count(line) == 1
        assert text.count("# TYPE pai_gateway_requests_total counter") == 1
    assert [oct(path.stat().st_mode)[-3:] for path in sorted(tmp_path.iterdir())] == ["600"] * 3
    await asyncio.gather(*(each.close() for each in workers))


async def test_workers_that_ended_or_hang_are_left_out(kernel: Kernel, tmp_path: Path) -> None:
    port, gone = free_port(), figures(1, tmp_path)
    await gone.listen(None)
    await gone.close()
    released = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    hanging = await asyncio.start_unix_server(hang, tmp_path / "gateway-2.sock")
    here = figures(3, tmp_path)
    await here.listen(("127.0.0.1", port))
    text = await asked(kernel, port)
    assert 'worker="3"' in text and 'worker="1"' not in text
    released.set()
    hanging.close()
    await here.close()


async def test_the_token_alone_opens_it(kernel: Kernel) -> None:
    port, made = free_port(), figures(0, None)
    await made.listen(("127.0.0.1", port))
    for token in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {DIGEST}"):
        text = await asked(kernel, port, token)
        assert text.startswith("HTTP/1.1 401 ") and "pai_" not in text
    assert " 404 " in (await asked(kernel, port, path="/")).split("\r\n")[0]
    assert " 200 " in (await asked(kernel, port)).split("\r\n")[0]
    made.trust("")  # no snapshot says who may
    assert " 401 " in (await asked(kernel, port)).split("\r\n")[0]
    await made.close()
