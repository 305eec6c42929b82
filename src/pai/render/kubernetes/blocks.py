"""Address blocks in the form of a NetworkPolicy: what is outside of a cluster, and what never is.

The tables say the same as those the sidecar dials by (`pai.wire.guard`); a law holds them equal.
Source: IANA special-purpose address registries; cloud vendors' pages on instance metadata.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

Block = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")
_METADATA = (
    "169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "100.100.100.200/32",
    "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128",
)  # fmt: skip
_NOWHERE = (
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001:db8::/32",
    "3fff::/20",
)  # fmt: skip
# Inside of 2000::/3, and yet an IPv4 address in disguise: Teredo, 6to4.
_WRAPPED = ("2001::/32", "2002::/16")
_PRIVATE = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7",
)  # fmt: skip
# 2000::/3 is all of IPv6 that is routed; whatever else exists needs no exception then.
_EVERYTHING = ("0.0.0.0/0", "2000::/3")


def parse(cidrs: Iterable[str]) -> tuple[Block, ...]:
    """Return blocks in the order given; host bits may be set. Raises ValueError."""
    return tuple(ip_network(cidr, strict=False) for cidr in cidrs)


def source_ranges(cidrs: Iterable[str]) -> list[str]:
    """Return whom a list of CIDRs names, in canonical form. Shape: sorted, unique.

    IPv4-mapped blocks are left out: they name nobody to the sidecar, which takes an address for
    what it is, and an IPv4 block to some implementations.
    """
    named = [block for block in set(parse(cidrs)) if not _inside(block, [_MAPPED])]
    return [str(block) for block in _sorted(named)]


def outside(cluster_ranges: Sequence[str], private_upstreams: Sequence[str]) -> list[Any]:
    """Return peers for everything a sidecar may reach outside of the cluster.

    private_upstreams open private ranges and nothing else; what belongs to the cluster stays shut.
    """
    shut = [*parse(_METADATA), *parse(_NOWHERE), *parse(_WRAPPED), *parse(cluster_ranges)]
    private = parse(_PRIVATE)
    public = [_peer(block, [*shut, *private]) for block in parse(_EVERYTHING)]
    opened = [_peer(block, shut) for block in _opened(parse(private_upstreams), private)]
    return [peer for peer in (*public, *opened) if peer is not None]


def _opened(wanted: Iterable[Block], private: Iterable[Block]) -> list[Block]:
    """Return what of the private ranges is wanted: of two nested blocks the smaller one."""
    pairs = [(block, range_) for block in wanted for range_ in private]
    common = [min(pair, key=_size) for pair in pairs if _nested(*pair)]
    return _collapsed(common)


def _peer(block: Block, shut: Iterable[Block]) -> Any:
    """Return `block` without `shut`; None when nothing is left of it."""
    if _inside(block, shut):
        return None
    holes = _collapsed(hole for hole in shut if _inside(hole, [block]))
    if block in holes:  # they add up to it; the API server takes true parts alone
        return None
    exceptions = {"except": [str(hole) for hole in holes]} if holes else {}
    return {"ipBlock": {"cidr": str(block), **exceptions}}


def _inside(block: Block, others: Iterable[Block]) -> bool:
    return any(_nested(block, other) and other.prefixlen <= block.prefixlen for other in others)


def _nested(one: Block, other: Block) -> bool:
    """Say whether two blocks have an address in common; then one holds the other."""
    return one.version == other.version and one.overlaps(other)


def _collapsed(blocks: Iterable[Block]) -> list[Block]:
    given = list(blocks)
    four = [block for block in given if isinstance(block, IPv4Network)]
    six = [block for block in given if isinstance(block, IPv6Network)]
    return [*collapse_addresses(four), *collapse_addresses(six)]


def _sorted(blocks: Iterable[Block]) -> list[Block]:
    return sorted(blocks, key=lambda block: (block.version, int(block[0]), block.prefixlen))


def _size(block: Block) -> int:
    return block.num_addresses
