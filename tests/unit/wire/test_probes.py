"""Probes of gateway and edge: two paths, a status, nothing else."""

from tests.unit.wire.kernel import Kernel

from pai.wire.probes import Probes


async def test_two_paths_say_how_it_is_and_nothing_more(kernel: Kernel) -> None:
    ready = False
    probes = Probes(lambda: ready)
    port = await probes.listen("127.0.0.1", 0)

    async def ask(line: bytes) -> bytes:
        return await kernel.ask(port, line + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    assert await ask(b"GET /livez") == (
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    assert (await ask(b"GET /readyz")).startswith(b"HTTP/1.1 503 ")
    ready = True
    assert (await ask(b"HEAD /readyz")).startswith(b"HTTP/1.1 200 ")
    for line in (b"POST /livez", b"GET /", b"GET /livez?x", b"GET /readyz/", b"GET /metrics"):
        assert (await ask(line)).startswith(b"HTTP/1.1 404 "), line
    await probes.close()
