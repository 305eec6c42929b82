"""The host table: which agent a request is for, and whether its client may come in. Pure."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from pai.ir.agent import Expose
from pai.ir.snapshot import EdgeRoute, EdgeSnapshot
from pai.wire.endpoint import Endpoint
from pai.wire.guard import inside


class Table(NamedTuple):
    """A snapshot, indexed. by_port: agents' own public ports."""

    by_host: Mapping[bytes, EdgeRoute]
    by_port: Mapping[int, EdgeRoute]
    domain: bytes
    trusted_proxies: tuple[str, ...]
    public_address: str
    version: int


EMPTY = Table({}, {}, b"localhost", (), "127.0.0.1", 0)


def build(snapshot: EdgeSnapshot) -> Table:
    """Return the table of a snapshot.

    Raises ValueError when an address or a range in it can't be read: such a table must not be
    used, as a range that is skipped might be one that keeps somebody out.
    """
    domain = snapshot.domain.lower().encode("ascii")
    by_host: dict[bytes, EdgeRoute] = {}
    by_port: dict[int, EdgeRoute] = {}
    for route in snapshot.routes:
        _check_route(route)
        by_host[route.host_id.lower().encode("ascii") + b"." + domain] = route
        if route.public_port is not None:
            by_port[route.public_port] = route
    for cidr in snapshot.trusted_proxies:
        inside("127.0.0.1", (cidr,))
    ip_address(snapshot.public_address)
    return Table(
        by_host,
        by_port,
        domain,
        snapshot.trusted_proxies,
        snapshot.public_address,
        snapshot.version,
    )


def _check_route(route: EdgeRoute) -> None:
    inside("127.0.0.1", route.allow_cidrs)
    for exposed in route.expose:
        inside("127.0.0.1", exposed.allow_cidrs)
    for replica in route.replicas:
        replica_endpoint(replica, route.agent)


@lru_cache(maxsize=4096)
def replica_endpoint(replica: str, agent: str) -> Endpoint:
    """Return the endpoint of `ip:port`; pools are kept apart by agent.

    Raises ValueError.
    """
    host, _, port = replica.rpartition(":")
    return Endpoint("http", str(ip_address(host.strip("[]"))), int(port), agent)


def exposed_at(route: EdgeRoute, path: bytes) -> Expose | None:
    """Return the exposed directory that `path` lies in.

    A path that could be read in two ways is in none, so the stricter rule of `inbound` holds.
    """
    if b"//" in path or b"\\" in path or _has_dots(path):
        return None
    best: Expose | None = None
    for exposed in route.expose:
        prefix = exposed.url_path.rstrip("/").encode()
        within = path == prefix or path.startswith(prefix + b"/")
        if within and (best is None or len(exposed.url_path) > len(best.url_path)):
            best = exposed
    return best


def _has_dots(path: bytes) -> bool:
    lowered = path.lower()
    if b"%2e" in lowered or b"%2f" in lowered or b"%5c" in lowered or b"%25" in lowered:
        return True
    return any(segment in (b".", b"..") for segment in path.split(b"/"))


def refusal(route: EdgeRoute, path: bytes, client: str | None) -> str | None:
    """Return why `client` may not have `path` of this agent, or None."""
    exposed = exposed_at(route, path)
    if exposed is not None:
        allowed, where = exposed.allow_cidrs, f"expose {exposed.url_path}"
    else:
        allowed, where = route.allow_cidrs, "inbound.allowCIDRs"
    if client is None:
        return "a proxy before the edge states the client's address unreadably"
    if inside(client, allowed):
        return None
    if not allowed:
        return f"{where} is empty, so nobody may come in"
    return f"{client} is in no range of {where}"
