"""Whose request it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pai.edge.client_address import client_address

PROXIES = ("10.0.0.0/8", "::1")


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("1.2.3.4", [], "1.2.3.4"),
        ("1.2.3.4", [b"9.9.9.9"], "1.2.3.4"),  # a stranger may claim anything
        ("::ffff:1.2.3.4", [], "1.2.3.4"),
        ("10.0.0.1", [b"9.9.9.9"], "9.9.9.9"),
        ("::ffff:10.0.0.1", [b"9.9.9.9"], "9.9.9.9"),
        ("::1", [b"9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", [b"6.6.6.6, 9.9.9.9"], "9.9.9.9"),  # the first is the client's own claim
        ("10.0.0.1", [b"6.6.6.6", b"9.9.9.9, 10.0.0.2"], "9.9.9.9"),
        ("10.0.0.1", [b"9.9.9.9:1234"], "9.9.9.9"),
        ("10.0.0.1", [b"[2606::1]:1234"], "2606::1"),
        ("10.0.0.1", [b"::ffff:9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"unknown"], None),
        ("10.0.0.1", [b"9.9.9.9, "], None),
        ("10.0.0.1", [b"9.9.9.9, \xff"], None),
        ("10.0.0.1", [b"9.9.9.9, 1.2.3.4.5"], None),
        ("", [b"9.9.9.9"], None),
    ],
)
def test_the_address_behind_trusted_proxies(
    peer: str, forwarded: list[bytes], expected: str | None
) -> None:
    assert client_address(peer, forwarded, PROXIES) == expected


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert client_address("127.0.0.1", [b"9.9.9.9"], ()) == "127.0.0.1"


@settings(max_examples=200, deadline=None)
@given(
    claimed=st.lists(st.binary(max_size=20), max_size=4),
    truth=st.integers(0xC0000000, 0xDF000000),
)
def test_what_a_client_claims_never_changes_what_its_proxy_saw(
    claimed: list[bytes], truth: int
) -> None:
    from ipaddress import IPv4Address

    seen = str(IPv4Address(truth)).encode()
    chain = b",".join([*claimed, seen])
    assert client_address("10.0.0.1", [chain], PROXIES) == seen.decode()


@settings(max_examples=200, deadline=None)
@given(value=st.binary(max_size=40))
def test_no_bytes_break_it(value: bytes) -> None:
    client_address("10.0.0.1", [value], PROXIES)
