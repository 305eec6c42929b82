import os
import socket
from collections.abc import Iterator

import msgspec
import pytest

from pai.cli.failures import CommandError
from pai.cli.supervisor.ports import check_ports, holder, port_problem
from pai.ir.settings import Settings


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_free_port_has_no_problem() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert port_problem("127.0.0.1", port) is None


def test_who_holds_a_port_is_named(taken: int) -> None:
    who = holder(taken)
    assert who is not None
    assert who.endswith(f"(pid {os.getpid()})")
    assert port_problem("127.0.0.1", taken) == f"is taken by {who}"
    assert "is taken by" in (port_problem("0.0.0.0", taken) or "")


def test_a_port_that_only_shares_is_taken_too() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert port_problem("127.0.0.1", server.getsockname()[1]) is not None


def test_an_address_that_is_not_there_yet_is_no_problem(taken: int) -> None:
    assert port_problem("192.0.2.77", taken) is None


@pytest.mark.parametrize(
    ("field", "flag"),
    [("api_port", "--api-port"), ("gateway_port", "--gateway-port"), ("edge_port", "--edge-port")],
)
def test_a_taken_port_names_the_flag(taken: int, field: str, flag: str) -> None:
    free = Settings(api_port=0, gateway_port=0, edge_port=0)
    with pytest.raises(CommandError) as caught:
        check_ports(msgspec.structs.replace(free, **{field: taken}), None)
    assert f"port {taken} on 127.0.0.1 is taken by" in caught.value.message
    assert caught.value.hint is not None
    assert flag in caught.value.hint
