"""Which addresses may be dialled. Pure; `pai.wire.dial` asks before every connection.

Refused always: what leads to this machine's links, to metadata services or to nobody in
particular, also when such an IPv4 address is wrapped in an IPv6 one. Refused unless listed in
`private_upstreams`: loopback and private ranges. Source: IANA special-purpose address registries.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Never dialled, whatever is listed. The first match names the reason.
_NEVER: tuple[tuple[str, str], ...] = (
    ("169.254.169.254/32", "cloud metadata"),
    ("169.254.170.2/32", "cloud metadata"),
    ("169.254.170.23/32", "cloud metadata"),
    ("100.100.100.200/32", "cloud metadata"),
    ("168.63.129.16/32", "cloud metadata"),
    ("192.0.0.192/32", "cloud metadata"),
    ("fd00:ec2::/32", "cloud metadata"),
    ("fd20:ce::254/128", "cloud metadata"),
    ("fd00:42::42/128", "cloud metadata"),
    ("169.254.0.0/16", "link-local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("224.0.0.0/4", "multicast"),
    ("ff00::/8", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("0.0.0.0/8", "unspecified"),
    ("::/128", "unspecified"),
    ("240.0.0.0/4", "reserved"),
    ("192.0.0.0/24", "reserved"),
    ("192.88.99.0/24", "reserved"),
    ("100::/64", "reserved"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("192.0.2.0/24", "documentation"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("5f00::/16", "reserved"),
)
# Dialled only inside `private_upstreams`.
_PRIVATE: tuple[tuple[str, str], ...] = (
    ("127.0.0.0/8", "loopback"),
    ("::1/128", "loopback"),
    ("10.0.0.0/8", "private"),
    ("172.16.0.0/12", "private"),
    ("192.168.0.0/16", "private"),
    ("100.64.0.0/10", "private"),
    ("198.18.0.0/15", "private"),
    ("fc00::/7", "private"),
)
# IPv6 ranges that carry an IPv4 address; such an address is refused in this form.
_WRAPPED: tuple[tuple[str, str], ...] = (
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("2002::/16", "6to4"),
    ("2001::/32", "Teredo"),
    ("::/96", "IPv4-compatible"),
)
_GLOBAL_V6 = IPv6Network("2000::/3")


def _table(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[Network, str], ...]:
    return tuple((ip_network(cidr), reason) for cidr, reason in rows)


_NEVER_NETWORKS, _PRIVATE_NETWORKS = _table(_NEVER), _table(_PRIVATE)
_WRAPPED_NETWORKS = _table(_WRAPPED)


def check(address: str | Address, private_upstreams: Iterable[str]) -> str | None:
    """Return why `address` may not be dialled, or None when it may.

    private_upstreams: CIDRs; they open loopback and private ranges, nothing else.
    """
    return _check(str(address), tuple(private_upstreams))


@lru_cache(maxsize=4096)
def _check(text: str, private_upstreams: tuple[str, ...]) -> str | None:
    try:
        address = ip_address(text)
    except ValueError:
        return f"{text!r} is not an IP address"
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return f"{text} is link-local"
    reason = _first(_NEVER_NETWORKS, address)
    if reason is not None:
        return f"{text} is {reason}"
    private = _first(_PRIVATE_NETWORKS, address)
    if private is not None:
        if any(address in network(cidr) for cidr in private_upstreams):
            return None
        return f"{text} is {private} and not in privateUpstreams"
    wrapped = _first(_WRAPPED_NETWORKS, address)
    if wrapped is not None:
        return f"{text} is an {wrapped} address"
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return f"{text} is reserved"
    return None


def _first(table: tuple[tuple[Network, str], ...], address: Address) -> str | None:
    return next((reason for net, reason in table if address in net), None)


@lru_cache(maxsize=1024)
def network(cidr: str) -> Network:
    """Return `cidr` as a network; host bits may be set.

    Raises ValueError.
    """
    return ip_network(cidr, strict=False)


def unmapped(address: str) -> Address:
    """Return an address as itself, an IPv4-mapped IPv6 address as the IPv4 address it means.

    Raises ValueError.
    """
    parsed = ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


def inside(address: str, cidrs: Iterable[str]) -> bool:
    """Say whether an address lies in one of `cidrs`; an empty list contains nobody."""
    try:
        parsed = unmapped(address)
    except ValueError:
        return False
    return any(parsed in network(cidr) for cidr in cidrs)
