"""Replicas that come and go: no request that can be answered elsewhere is lost, none runs twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.unit.edge.test_edge import TOKEN, Edge
from tests.unit.wire.kernel import Kernel, read_response, until

from pai.wire import log
from pai.wire.exchange import Exchange
from pai.wire.forwarded import UNSENT
from pai.wire.message import Headers
from pai.wire.server import HttpServer


@pytest_asyncio.fixture
async def edge(kernel: Kernel) -> AsyncIterator[Edge]:
    edge = Edge(kernel)
    log.configure(lambda line: None)
    edge.port = await kernel.server(edge.router.by_host)
    yield edge
    edge.pool.close()
    log.configure()


class Replica:
    """A sidecar's inbound listener. unsent: what it says of an agent that does not listen."""

    def __init__(self, edge: Edge) -> None:
        self.server = HttpServer(self._serve)
        self.edge = edge
        self.served = 0
        self.unsent: Headers | None = None
        self.address = ""

    async def start(self) -> "Replica":
        self.address = f"127.0.0.1:{await self.server.listen('127.0.0.1', 0)}"
        return self

    async def _serve(self, exchange: Exchange) -> None:
        if self.unsent is not None:
            await exchange.respond(502, self.unsent, b"away")
            return
        self.served += 1
        body = await exchange.read_body(1 << 20)
        await exchange.respond(200, [], body or b"served")

    async def vanish(self) -> None:
        await self.server.drain(0.0)


async def post(edge: Edge, body: bytes) -> tuple[bytes, bytes]:
    reader, writer = await edge.kernel.connect(edge.port)
    head = b"POST /x HTTP/1.1\r\nHost: abc.localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    writer.write(head + body)
    return await read_response(reader)


async def test_a_rollout_loses_no_request(edge: Edge) -> None:
    """One replica vanishes while it is asked, and the edge is told later."""
    first, second = await Replica(edge).start(), await Replica(edge).start()
    edge.apply(edge.route(first.address, second.address))
    statuses: Counter[bytes] = Counter()
    going = True

    async def client() -> None:
        while going:
            head, _ = await edge.get()
            statuses[head.split()[1]] += 1

    clients = [asyncio.ensure_future(client()) for _ in range(4)]
    await until(lambda: first.served > 20 and second.served > 20, 30)
    await first.vanish()
    seen = second.served
    await until(lambda: second.served > seen + 40, 30)
    third = await Replica(edge).start()
    edge.apply(edge.route(second.address, third.address))
    await until(lambda: third.served > 20, 30)
    going = False
    await asyncio.gather(*clients)
    assert set(statuses) == {b"200"}
    for replica in (second, third):
        await replica.vanish()


async def test_a_body_goes_to_another_replica_when_connecting_fails(edge: Edge) -> None:
    replica = await Replica(edge).start()
    edge.apply(edge.route("127.0.0.1:1", "127.0.0.1:2", replica.address))
    for _ in range(6):
        assert (await post(edge, b"all of it"))[1] == b"all of it"
    assert replica.served == 6
    await replica.vanish()


async def test_an_agent_that_is_away_is_passed_over_by_its_sidecars_word(edge: Edge) -> None:
    away, there = await Replica(edge).start(), await Replica(edge).start()
    away.unsent = [(UNSENT, TOKEN.encode())]
    edge.apply(edge.route(away.address, there.address))
    for _ in range(6):
        head, body = await edge.get()
        assert (head.split()[1], body) == (b"200", b"served")
    there.unsent = [(UNSENT, TOKEN.encode())]
    head, body = await edge.get()
    assert head.split()[1] == b"502"
    assert TOKEN.encode() not in head + body
    assert UNSENT not in head
    for replica in (away, there):
        await replica.vanish()


async def test_a_body_that_was_streamed_is_never_sent_again(edge: Edge) -> None:
    away, there = await Replica(edge).start(), await Replica(edge).start()
    away.unsent = [(UNSENT, TOKEN.encode())]
    edge.apply(edge.route(away.address, there.address))
    answers = [await post(edge, b"part") for _ in range(4)]
    assert {head.split()[1] for head, _ in answers} == {b"200", b"502"}
    assert there.served == sum(b" 200 " in head for head, _ in answers)
    assert all(TOKEN.encode() not in head + body for head, body in answers)
    for replica in (away, there):
        await replica.vanish()


@pytest.mark.parametrize("value", [b"1", b"", b"guess", TOKEN.encode()[:-1], TOKEN.encode() * 2])
async def test_an_agents_own_502_is_its_answer(edge: Edge, value: bytes) -> None:
    first, second = await Replica(edge).start(), await Replica(edge).start()
    for replica in (first, second):
        replica.unsent = [(UNSENT, value)]
    edge.apply(edge.route(first.address, second.address))
    head, body = await edge.get()
    assert (head.split()[1], body) == (b"502", b"away")
    for replica in (first, second):
        await replica.vanish()


async def test_the_proof_is_asked_for_in_a_502_alone(edge: Edge) -> None:
    async def claims(exchange: Exchange) -> None:
        await exchange.respond(200, [(UNSENT, b"x")], b"answer")

    edge.apply(edge.route(f"127.0.0.1:{await edge.kernel.server(claims)}"))
    assert (await edge.get())[1] == b"answer"
