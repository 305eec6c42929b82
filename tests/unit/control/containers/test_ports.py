from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pai.control.containers.ports import Ports, can_bind
from pai.control.servers import tcp_socket
from pai.errors import TransientError
from pai.ir.agent import AgentKey
from pai.store.instance_key import InstanceKey
from pai.store.sqlite import SqliteStore

KEYS = [AgentKey("default", name) for name in ("a", "b", "c")]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(tmp_path / "pai.db", InstanceKey(b"k" * 32))
    await made.open()
    yield made
    await made.close()


async def test_ports_are_remembered_and_given_back(store: SqliteStore) -> None:
    ports = Ports(store, 20000, "127.0.0.1", lambda _, port: port != 20001)
    assert [await ports.assign(key) for key in KEYS] == [20000, 20002, 20003]
    assert await ports.assign(KEYS[0]) == 20000
    again = Ports(store, 20000, "127.0.0.1", lambda _, port: True)
    await again.load()
    assert [again.get(key) for key in KEYS] == [20000, 20002, 20003]
    await again.release(KEYS[1])
    await again.release(KEYS[1])
    assert again.get(KEYS[1]) is None
    assert await again.assign(AgentKey("other", "x")) == 20001
    assert await again.assign(KEYS[1]) == 20002


async def test_no_port_left_is_told(store: SqliteStore) -> None:
    ports = Ports(store, 65535, "127.0.0.1", lambda _, port: True)
    await ports.assign(KEYS[0])
    with pytest.raises(TransientError, match="no free port"):
        await ports.assign(KEYS[1])


def test_a_port_in_use_can_not_be_bound() -> None:
    taken = tcp_socket("127.0.0.1", 0)
    port = taken.getsockname()[1]
    assert not can_bind("127.0.0.1", port)
    taken.close()
    assert can_bind("127.0.0.1", port)
