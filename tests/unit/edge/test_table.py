"""Which agent, and who may come in."""

import pytest

from pai.edge.table import build, exposed_at, refusal
from pai.ir.agent import Expose
from pai.ir.snapshot import EdgeRoute, EdgeSnapshot

ROUTE = EdgeRoute(
    agent="ns/a",
    host_id="abc",
    replicas=("127.0.0.1:8082",),
    allow_cidrs=("10.0.0.0/8",),
    edge_token="t",
    inbound_port=80,
    public_port=20000,
    expose=(
        Expose("/public", "/data/public"),
        Expose("/public/team", "/data/team", ("192.168.0.0/16",)),
    ),
)


def test_routes_are_found_by_host_and_port() -> None:
    table = build(EdgeSnapshot(version=2, routes=(ROUTE,), domain="Example.Test"))
    assert table.by_host == {b"abc.example.test": ROUTE}
    assert table.by_port == {20000: ROUTE}


@pytest.mark.parametrize(
    "change",
    [
        {"allow_cidrs": ("10.0.0.0/40",)},
        {"allow_cidrs": ("everyone",)},
        {"replicas": ("no-address:80",)},
        {"replicas": ("127.0.0.1",)},
        {"expose": (Expose("/x", "/y", ("nonsense",)),)},
    ],
)
def test_a_table_that_can_not_be_read_is_not_used(change: dict[str, object]) -> None:
    import msgspec

    broken = msgspec.structs.replace(ROUTE, **change)
    with pytest.raises(ValueError, match=r".+"):
        build(EdgeSnapshot(version=2, routes=(broken,)))


@pytest.mark.parametrize(
    ("path", "client", "allowed"),
    [
        (b"/", "10.1.2.3", True),
        (b"/", "11.1.2.3", False),
        (b"/", "::ffff:10.1.2.3", True),
        (b"/public/x", "11.1.2.3", True),
        (b"/public", "11.1.2.3", True),
        (b"/publicity", "11.1.2.3", False),
        (b"/public/team/x", "11.1.2.3", False),
        (b"/public/team/x", "192.168.1.1", True),
        (b"/public/../admin", "11.1.2.3", False),
        (b"/public/%2e%2e/admin", "11.1.2.3", False),
        (b"/public/..%2fadmin", "11.1.2.3", False),
        (b"/public/%252e%252e/admin", "11.1.2.3", False),
        (b"//public/x", "11.1.2.3", False),
        (b"/public\\..\\admin", "11.1.2.3", False),
        (b"/", None, False),
    ],
)
def test_who_may_come_in(path: bytes, client: str | None, allowed: bool) -> None:
    assert (refusal(ROUTE, path, client) is None) == allowed


def test_an_empty_list_opens_nothing() -> None:
    import msgspec

    closed = msgspec.structs.replace(ROUTE, allow_cidrs=(), expose=())
    for client in ("127.0.0.1", "10.0.0.1", "::1", "8.8.8.8"):
        reason = refusal(closed, b"/", client)
        assert reason is not None
        assert "nobody" in reason


def test_the_longest_exposed_path_counts() -> None:
    found = exposed_at(ROUTE, b"/public/team/a")
    assert found is not None
    assert found.directory == "/data/team"
