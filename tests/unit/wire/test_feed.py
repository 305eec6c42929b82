"""The line to control: snapshots, staleness, credentials."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from tests.unit.wire.certificates import Authority
from tests.unit.wire.kernel import until

from pai.errors import TransientError
from pai.ir.snapshot import EdgeRoute, EdgeSnapshot
from pai.wire import log
from pai.wire.exchange import Exchange
from pai.wire.feed import Bootstrap, ControlError, ControlLink, SnapshotFeed, backoff_seconds
from pai.wire.server import HttpServer
from pai.wire.tls import server_context


class Control:
    """Control's side, as far as a feed sees it."""

    def __init__(self) -> None:
        self.snapshot: EdgeSnapshot | bytes = EdgeSnapshot(version=3, routes=())
        self.changed = asyncio.Event()
        self.seen: list[tuple[bytes, bytes | None]] = []
        self.credential = b"Bearer good"
        self.server = HttpServer(self.handle)

    async def handle(self, exchange: Exchange) -> None:
        head = exchange.head
        self.seen.append((head.target, head.get(b"authorization")))
        if head.get(b"authorization") != self.credential:
            await exchange.respond(401, [])
            return
        if head.method == b"POST":
            await exchange.respond(200, [], await exchange.read_body(1000))
            return
        snapshot = self.snapshot
        if isinstance(snapshot, EdgeSnapshot):
            if head.query.startswith(b"after=%d&" % snapshot.version):
                try:
                    async with asyncio.timeout(0.1):
                        await self.changed.wait()
                except TimeoutError:
                    await exchange.respond(304, [])
                    return
                snapshot = self.snapshot
            self.changed.clear()
            snapshot = msgspec.json.encode(snapshot)
        await exchange.respond(200, [], snapshot)


@pytest_asyncio.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "edge.credential").write_text("good\n")
    control = Control()
    await control.server.listen_unix(str(tmp_path / "run" / "internal.sock"))
    log.configure(lambda line: None)
    yield control
    log.configure()
    await control.server.drain(0.1)


async def test_snapshots_are_followed(control: Control, tmp_path: Path) -> None:
    got: list[int] = []
    link = ControlLink.local(tmp_path, "edge")
    feed = SnapshotFeed(link, EdgeSnapshot, lambda snapshot: got.append(snapshot.version))
    task = asyncio.ensure_future(feed.run())
    assert await feed.ready(10)
    control.snapshot = EdgeSnapshot(version=4, routes=())
    control.changed.set()
    await until(lambda: got == [3, 4])
    assert feed.stale_seconds is not None
    task.cancel()
    link.close()
    assert control.seen[0] == (b"/internal/v1/snapshot?after=0&wait=25", b"Bearer good")


async def test_a_bad_snapshot_keeps_the_one_before(control: Control, tmp_path: Path) -> None:
    def refuse_nine(snapshot: EdgeSnapshot) -> None:
        if snapshot.version == 9:
            raise ValueError("no good")

    link = ControlLink.local(tmp_path, "edge")
    feed = SnapshotFeed(link, EdgeSnapshot, refuse_nine)
    assert await feed.poll(0)
    for bad in (b"{", b'{"version": "x"}', b"[]", EdgeSnapshot(version=9, routes=())):
        control.snapshot = bad
        with pytest.raises((TransientError, ValueError)):
            await feed.poll(0)
        assert feed.current is not None
        assert feed.current.version == 3
    link.close()


async def test_a_new_credential_is_used_at_once(control: Control, tmp_path: Path) -> None:
    link = ControlLink.local(tmp_path, "edge")
    feed = SnapshotFeed(link, EdgeSnapshot, lambda snapshot: None)
    control.credential = b"Bearer new"
    with pytest.raises(ControlError) as caught:
        await feed.poll(0)
    assert caught.value.status == 401
    (tmp_path / "run" / "edge.credential").write_text("new")
    assert await feed.poll(0)
    link.close()


async def test_control_may_be_away_for_a_while(control: Control, tmp_path: Path) -> None:
    link = ControlLink.local(tmp_path, "edge")
    feed = SnapshotFeed(link, EdgeSnapshot, lambda snapshot: None)
    task = asyncio.ensure_future(feed.run())
    assert await feed.ready(10)
    await control.server.drain(0)
    await until(lambda: feed.failures >= 2)
    assert feed.current is not None
    again = Control()
    again.snapshot = EdgeSnapshot(version=8, routes=())
    await again.server.listen_unix(str(tmp_path / "run" / "internal.sock"))
    await until(lambda: feed.current is not None and feed.current.version == 8)
    assert feed.failures == 0
    task.cancel()
    await again.server.drain(0.1)
    link.close()


async def test_calls_carry_the_credential_and_say_why_they_fail(
    control: Control, tmp_path: Path
) -> None:
    link = ControlLink.local(tmp_path, "edge")
    assert await link.post("leases", b"{}") == b"{}"
    control.credential = b"other"
    with pytest.raises(ControlError) as caught:
        await link.post("leases", b"{}")
    assert "401" in caught.value.message
    assert "good" not in caught.value.message
    link.close()


async def test_a_sidecar_trusts_only_controls_own_authority() -> None:
    authority = Authority()
    control = Control()
    leaf = authority.leaf("control.pai.internal")
    port = await control.server.listen("127.0.0.1", 0, ssl=server_context(*leaf))
    for ca, works in ((authority.pem, True), (Authority().pem, False)):
        link = ControlLink.remote(
            Bootstrap(
                control=f"https://127.0.0.1:{port}",
                ca_pem=ca,
                server_name="control.pai.internal",
                credential="good",
            )
        )
        feed = SnapshotFeed(link, EdgeSnapshot, lambda snapshot: None)
        if works:
            assert await feed.poll(0)
        else:
            with pytest.raises(TransientError, match="certificate"):
                await feed.poll(0)
        link.close()
    await control.server.drain(0.1)


def test_pauses_grow_and_are_bounded() -> None:
    pauses = [backoff_seconds(n, 1.0) for n in range(1, 40)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 0.2
    assert pauses[-1] == 5.0
    assert backoff_seconds(3, 0.0) == backoff_seconds(3, 1.0) / 2


def test_a_route_survives_the_wire() -> None:
    route = EdgeRoute(
        agent="a/b", host_id="h", replicas=("1.2.3.4:8082",), allow_cidrs=(), edge_token="t"
    )
    snapshot = EdgeSnapshot(version=1, routes=(route,))
    assert msgspec.json.decode(msgspec.json.encode(snapshot), type=EdgeSnapshot) == snapshot
