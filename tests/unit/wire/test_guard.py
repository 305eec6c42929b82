"""Which addresses may be dialled."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pai.wire.guard import check, inside

EVERYTHING = ("0.0.0.0/0", "::/0")

NEVER = [
    "169.254.169.254", "169.254.170.2", "169.254.1.1", "100.100.100.200", "168.63.129.16",
    "fd00:ec2::254", "fe80::1", "fe80::a9fe:a9fe", "224.0.0.1", "239.255.255.255", "ff02::1",
    "0.0.0.0", "0.1.2.3", "::", "255.255.255.255", "240.0.0.1", "192.0.0.192", "192.0.0.8",
    "fd20:ce::254", "fec0::1", "2001:db8::1", "192.0.2.1", "198.51.100.7", "203.0.113.9",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::1%eth0", "4000::1", "localhost", "", "1.2.3",
    "127.1", "0x7f000001", "2130706433", "010.0.0.1", "1.2.3.4/8",
]  # fmt: skip
PRIVATE = ["127.0.0.1", "127.255.0.1", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255",
           "192.168.1.1", "100.64.0.1", "198.18.0.1", "fc00::1", "fd12:3456::1"]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_refused_whatever_is_listed(address: str) -> None:
    assert check(address, ()) is not None
    assert check(address, EVERYTHING) is not None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_to_be_listed(address: str) -> None:
    reason = check(address, ())
    assert reason is not None
    assert "privateUpstreams" in reason
    assert check(address, EVERYTHING) is None
    assert check(address, (address,)) is None
    assert check(address, ("203.0.113.0/24",)) is not None


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_dialled(address: str) -> None:
    assert check(address, ()) is None


V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)


@settings(max_examples=300, deadline=None)
@given(address=V4)
def test_an_ipv4_address_wrapped_in_ipv6_is_never_dialled(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for wrapped in (
        0xFFFF << 32 | number,
        0x64FF9B << 96 | number,
        0x2002 << 112 | number << 80,
        number,
    ):
        assert check(str(ipaddress.IPv6Address(wrapped)), EVERYTHING) is not None or wrapped == 1


@settings(max_examples=300, deadline=None)
@given(address=st.one_of(V4, V6))
def test_what_passes_is_global_or_listed(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    text = str(address)
    if check(text, ()) is None:
        assert address.is_global
        assert not (address.is_multicast or address.is_link_local or address.is_loopback)
    if check(text, EVERYTHING) is None:
        assert not (address.is_multicast or address.is_link_local or address.is_unspecified)


@settings(max_examples=200, deadline=None)
@given(address=st.one_of(V4, V6), bits=st.integers(0, 32))
def test_listing_more_never_refuses_more(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int
) -> None:
    if check(str(address), ()) is None:
        assert check(str(address), (f"10.0.0.0/{bits}",)) is None


def test_inside_knows_mapped_addresses_and_empty_lists() -> None:
    assert inside("::ffff:10.0.0.1", ("10.0.0.0/8",))
    assert not inside("10.0.0.1", ())
    assert not inside("nonsense", EVERYTHING)
    assert not inside("::1", ("0.0.0.0/0",))
