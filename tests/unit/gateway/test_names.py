"""Names that sidecars ask the gateway for, by the whole service and against a nameserver."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
import pytest
from tests.unit.wire.kernel import Kernel
from tests.unit.wire.nameserver import Server, good, start, stop

from pai.gateway import names as names_module
from pai.gateway.desk import Desk
from pai.gateway.figures import Figures
from pai.gateway.names import BURST, Names
from pai.gateway.service import Service
from pai.ir.snapshot import GatewayAgent, GatewaySnapshot, Network
from pai.wire.dns.message import NXDOMAIN, decode, encode_response
from pai.wire.feed import ControlLink

TOKEN, OTHER_TOKEN = "pai_gw_one", "pai_gw_other"
NAMES = ("*.wild.test", "api.a.test", "db.data.svc.cluster.local")
OTHER_NAMES = ("only.other.test",)


def agent(name: str, token: str, names: tuple[str, ...]) -> GatewayAgent:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return GatewayAgent(id=name, token_sha256=digest, bindings=(), names=names)


def snapshot(nameserver: str, *, names: tuple[str, ...] = NAMES) -> GatewaySnapshot:
    return GatewaySnapshot(
        version=1,
        agents=(agent("ns/one", TOKEN, names), agent("ns/other", OTHER_TOKEN, OTHER_NAMES)),
        bindings=(),
        network=Network(nameservers=(nameserver,)),
    )


class Gateway:
    """A worker's whole service on a port, and the nameserver it asks."""

    def __init__(self, kernel: Kernel, nameserver: Server, at: str) -> None:
        self._kernel, self.nameserver, self.at = kernel, nameserver, at
        desk = Desk(cast(ControlLink, None), "w1")  # no name is paid for
        self.service = Service(desk, "w1", Figures(tuple, 0, None))
        self.service._names = Names(lambda: 0.0)  # no rate comes back while a test runs
        self.service.apply(snapshot(at))
        self.port = 0

    async def ask(
        self, query: str, token: str | None = TOKEN, line: str = "GET /pai/resolve?"
    ) -> tuple[int, dict[str, Any]]:
        proof = "" if token is None else f"authorization: Bearer {token}\r\n"
        request = f"{line}{query} HTTP/1.1\r\nhost: g\r\n{proof}connection: close\r\n\r\n"
        return parsed(await self._kernel.ask(self.port, request.encode("latin-1")))


def parsed(answer: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        return int(head.split(b" ")[1]), json.loads(body)
    except ValueError:  # the kernel's own refusals have no body in JSON
        return int(head.split(b" ")[1]), {}


def code(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


@pytest.fixture
async def gateway(kernel: Kernel) -> AsyncIterator[Gateway]:
    nameserver, at = await start(good)
    opened = Gateway(kernel, nameserver, at)
    opened.port = await kernel.server(opened.service.handle)
    yield opened
    stop(nameserver)


async def test_a_declared_name_is_found(gateway: Gateway) -> None:
    for name in ("api.a.test", "x.wild.test", "x.y.wild.test", "db.data.svc.cluster.local"):
        status, found = await gateway.ask(f"name={name}&type=A")
        assert (status, found["addresses"]) == (200, ["1.2.3.4"])
        assert 50 < found["ttl"] <= 60
    _, found = await gateway.ask("name=api.a.test&type=AAAA")
    assert found["addresses"] == ["2606::1"]


async def test_answers_are_kept_for_all_who_may_ask(gateway: Gateway) -> None:
    for _ in range(3):
        await gateway.ask("name=api.a.test&type=A")
    assert gateway.nameserver.asked == 1


# Attacks


@pytest.mark.parametrize("token", [None, "", "guess", TOKEN.upper(), f"{TOKEN}x", "*"])
async def test_without_the_token_it_says_what_it_says_to_model_calls(
    gateway: Gateway, token: str | None
) -> None:
    query = "name=api.a.test&type=A"
    refused = await gateway.ask(query, token)
    assert code(refused) == (401, "invalid_api_key")
    assert refused == await gateway.ask(query, token, "POST /v1/chat/completions?")
    assert gateway.nameserver.asked == 0


async def test_another_agents_token_opens_that_agents_names_alone(gateway: Gateway) -> None:
    stolen = await gateway.ask("name=api.a.test&type=A", OTHER_TOKEN)
    assert code(stolen) == (403, "name_not_declared")
    assert code(await gateway.ask("name=only.other.test&type=A")) == (403, "name_not_declared")
    assert gateway.nameserver.asked == 0
    assert (await gateway.ask("name=only.other.test&type=A", OTHER_TOKEN))[0] == 200


@pytest.mark.parametrize(
    "name",
    [
        "evil.test",
        "6461746121.api.a.test",  # the agent's bytes under a name that was declared by itself
        "api.a.test.evil.test",
        "xapi.a.test",
        "a.test",
        "wild.test",  # a wildcard covers what is below it
        "xwild.test",
        "data.svc.cluster.local",
        "db.data.svc",  # sidecars ask for the full name
        "kubernetes.default.svc.cluster.local",
        "test",
        "8.8.8.8",
    ],
)
async def test_what_was_not_declared_is_never_asked(gateway: Gateway, name: str) -> None:
    status, found = await gateway.ask(f"name={name}&type=A")
    assert (status, found["error"]["code"]) == (403, "name_not_declared")
    assert name in found["error"]["message"]
    assert gateway.nameserver.asked == 0


LABEL = "x" * 63


@pytest.mark.parametrize(
    "query",
    [
        "",
        "name=api.a.test",
        "type=A&name=api.a.test",
        "name=api.a.test&type=TXT",
        "name=api.a.test&type=A&type=AAAA",
        "name=api.a.test&name=x.wild.test&type=A",
        "name=api.a.test&type=A&",
        "name=&type=A",
        "name=.&type=A",
        "name=.api.a.test&type=A",
        "name=api.a.test.&type=A",
        "name=x..wild.test&type=A",
        "name=API.A.TEST&type=A",
        "name=*.wild.test&type=A",
        "name=x%2Ewild.test&type=A",
        "name=x%0d%0a.wild.test&type=A",
        "name=x%00.wild.test&type=A",
        "name=x+y.wild.test&type=A",
        "name=x/y.wild.test&type=A",
        "name=x:53.wild.test&type=A",
        "name=[::1].wild.test&type=A",
        "name=x\\y.wild.test&type=A",
        f"name={LABEL}x.wild.test&type=A",
        f"name={'.'.join([LABEL] * 4)}.wild.test&type=A",
        f"name={'x.' * 130}wild.test&type=A",
        f"name={'x' * 20000}.wild.test&type=A",
    ],
)
async def test_what_is_no_name_is_refused(gateway: Gateway, query: str) -> None:
    assert code(await gateway.ask(query)) == (400, "not_a_host_name")
    assert gateway.nameserver.asked == 0


@pytest.mark.parametrize(
    "name",
    ["x\r\ny.wild.test", "x\ny.wild.test", "x\0.wild.test", "x y.wild.test", "\xe9.wild.test"],
)
async def test_bytes_that_are_none_of_a_target_never_get_there(gateway: Gateway, name: str) -> None:
    status, _ = await gateway.ask(f"name={name}&type=A")
    assert status == 400
    assert gateway.nameserver.asked == 0


@pytest.mark.parametrize(
    "path",
    ["/pai/resolve/", "//pai/resolve", "/v1/../pai/resolve", "/%70ai/resolve", "/PAI/resolve"],
)
async def test_there_is_one_path(gateway: Gateway, path: str) -> None:
    status, _ = await gateway.ask("name=api.a.test&type=A", line=f"GET {path}?")
    assert status in (400, 404)
    assert gateway.nameserver.asked == 0


async def test_there_is_one_method(gateway: Gateway) -> None:
    for method in ("POST", "HEAD", "DELETE"):
        status, _ = await gateway.ask("name=api.a.test&type=A", line=f"{method} /pai/resolve?")
        assert status == 405
    assert gateway.nameserver.asked == 0


async def test_a_flood_is_stopped_and_hurts_nobody_else(gateway: Gateway) -> None:
    answers = await asyncio.gather(
        *(gateway.ask(f"name=n{number}.wild.test&type=A") for number in range(3 * int(BURST)))
    )
    statuses = [status for status, _ in answers]
    assert set(statuses) == {200, 429}
    assert gateway.nameserver.asked == statuses.count(200) == BURST
    assert (await gateway.ask("name=only.other.test&type=A", OTHER_TOKEN))[0] == 200
    found = f"name=n{statuses.index(200)}.wild.test&type=A"
    assert (await gateway.ask(found))[0] == 200  # held: costs nobody anything


async def test_a_new_snapshot_gives_a_flood_no_new_rate(gateway: Gateway) -> None:
    queries = [f"name=n{number}.wild.test&type=A" for number in range(2 * int(BURST))]
    for query in queries:
        await gateway.ask(query)
    gateway.service.apply(msgspec.structs.replace(snapshot(gateway.at), version=2))
    assert (await gateway.ask("name=late.wild.test&type=A"))[0] == 429


async def test_names_that_nobody_answers_are_bounded_for_all(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names_module, "MOST_PENDING", 3)
    mute, at = await start(lambda data: [])
    gateway.service.apply(snapshot(at))
    waiting = [
        asyncio.ensure_future(gateway.ask(f"name=n{number}.wild.test&type=A"))
        for number in range(6)
    ]
    done, rest = await asyncio.wait(waiting, timeout=2)
    assert [task.result()[0] for task in done] == [429] * 3
    for task in await asyncio.gather(*rest):
        assert code(task) == (502, "name_not_resolved")
    stop(mute)


# What else may come of a question


async def test_no_such_name_is_an_answer_without_addresses(gateway: Gateway) -> None:
    def missing(data: bytes) -> list[bytes]:
        query = decode(data)
        return [encode_response(query.id, query.questions[0], rcode=NXDOMAIN)]

    server, at = await start(missing)
    gateway.service.apply(snapshot(at))
    status, found = await gateway.ask("name=api.a.test&type=A")
    assert (status, found["addresses"]) == (200, [])
    assert 5 < found["ttl"] <= 10
    stop(server)


async def test_a_nameserver_that_fails_is_named(gateway: Gateway) -> None:
    gateway.service.apply(snapshot("127.0.0.1:1"))
    status, found = await gateway.ask("name=api.a.test&type=A")
    assert (status, found["error"]["code"]) == (502, "name_not_resolved")
    assert "nameserver 127.0.0.1" in found["error"]["message"]


async def test_a_name_with_very_many_addresses_is_cut(gateway: Gateway) -> None:
    def many(data: bytes) -> list[bytes]:
        query = decode(data)
        addresses = [f"1.2.3.{number}" for number in range(25)]
        return [encode_response(query.id, query.questions[0], addresses, ttl=60)]

    server, at = await start(many)
    gateway.service.apply(snapshot(at))
    _, found = await gateway.ask("name=api.a.test&type=A")
    assert found["addresses"] == [f"1.2.3.{number}" for number in range(8)]
    stop(server)


async def test_where_names_are_not_asked_for_here_there_are_none(gateway: Gateway) -> None:
    gateway.service.apply(snapshot(gateway.at, names=()))
    assert code(await gateway.ask("name=api.a.test&type=A")) == (403, "name_not_declared")
    assert gateway.nameserver.asked == 0


async def test_audit_mode_lets_every_name_pass(gateway: Gateway) -> None:
    gateway.service.apply(snapshot(gateway.at, names=("*",)))
    assert (await gateway.ask("name=anything.else.test&type=A"))[0] == 200
    assert code(await gateway.ask("name=x%20y&type=A")) == (400, "not_a_host_name")


async def test_a_name_that_is_declared_no_more_is_refused_though_it_is_held(
    gateway: Gateway,
) -> None:
    assert (await gateway.ask("name=api.a.test&type=A"))[0] == 200
    gateway.service.apply(snapshot(gateway.at, names=("b.test",)))
    assert code(await gateway.ask("name=api.a.test&type=A")) == (403, "name_not_declared")


async def test_what_is_remembered_of_agents_ends_with_them() -> None:
    names = Names()
    names.apply(snapshot("127.0.0.1:9"))
    assert len(names._agents) == 2
    names.apply(msgspec.structs.replace(snapshot("127.0.0.1:9"), agents=()))
    assert names._agents == {}
