"""What the DNS responder answers, and which name an address of ours stands for.

A name reached on 80 and 443 only is 127.0.0.1: there TLS and HTTP say which host is meant. A name
with other ports gets an address of its own, so that the name is known when a connection arrives.
Where nothing redirects connections no such address leads to us: every name is 127.0.0.1 there, and
one that is listed with other ports alone does not exist.
"""

from pai.sidecar.routes import AmbiguousRoute, PassRoute, Route, Routes

LOOPBACK = "127.0.0.1"
_FIRST = 198 << 24 | 18 << 16 | 1  # 198.18.0.0/15, set aside for tests of networks by RFC 2544
_CAPACITY = 65536
_NAMED_BY_PROTOCOL = frozenset((80, 443))


class Names:
    """Addresses handed out so far. They outlive a change of routes: a client may hold them.

    Bounded: a wildcard or audit mode lets the agent make up names. When all addresses are in use
    the one handed out longest ago is taken back. redirected: whether connections to those
    addresses are brought here.
    """

    def __init__(self, capacity: int = _CAPACITY, *, redirected: bool = True) -> None:
        self._capacity = capacity
        self._redirected = redirected
        self._address_of: dict[str, int] = {}
        self._name_of: dict[int, str] = {}

    def address_for(self, name: str, routes: Routes) -> str | None:
        """Return the address that the agent is told for a name; None = there is no such name."""
        route = routes.find(name)
        if route is None:
            return None
        if not self._redirected:
            return None if _is_out_of_reach(route) else LOOPBACK
        if isinstance(route, PassRoute) and (route.audited or route.ports - _NAMED_BY_PROTOCOL):
            return _dotted(self._own_address(name))
        return LOOPBACK

    def refusal(self, name: str, routes: Routes) -> str:
        """Say in one line why `address_for` knows no address of a name."""
        reason = describe_refusal(routes, name)
        if routes.find(name) is not None and not self._redirected:
            return f"{reason}; without redirect rules only ports 80 and 443 lead out"
        return reason

    def name_of(self, address: str) -> str | None:
        """Return the name that an address was handed out for."""
        number = _number(address)
        return None if number is None else self._name_of.get(number)

    def _own_address(self, name: str) -> int:
        number = self._address_of.pop(name, None)
        if number is None:
            if len(self._address_of) >= self._capacity:
                number = self._address_of.pop(next(iter(self._address_of)))
            else:
                number = _FIRST + len(self._address_of)
            self._name_of[number] = name
        self._address_of[name] = number  # at the end: used last
        return number


def is_own_address(address: str) -> bool:
    """Say whether an address is of the range we hand out."""
    number = _number(address)
    return number is not None and number >> 17 == _FIRST >> 17


def describe_refusal(routes: Routes, name: str) -> str:
    """Say in one line why a name is refused and how access is asked for."""
    route = routes.find(name)
    if isinstance(route, AmbiguousRoute):
        return f"{name} is claimed by providers {', '.join(route.providers)}"
    if isinstance(route, PassRoute):
        return f"{name} is listed for port {', '.join(map(str, sorted(route.ports)))} alone"
    return f"{name} is no host of a provider, a model vendor or egress.allow"


def _is_out_of_reach(route: Route | None) -> bool:
    """Say whether a host has ports that only a redirect could bring here."""
    return (
        isinstance(route, PassRoute) and not route.audited and not route.ports & _NAMED_BY_PROTOCOL
    )


def _dotted(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def _number(address: str) -> int | None:
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    value = 0
    for part in parts:
        value = value << 8 | int(part)
    return value
