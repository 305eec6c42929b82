"""Whose request this is: the address behind trusted proxies. Pure."""

from collections.abc import Sequence
from ipaddress import ip_address

from pai.wire.guard import inside, unmapped


def client_address(peer: str, forwarded: Sequence[bytes], trusted: Sequence[str]) -> str | None:
    """Return the client's true address, None when a trusted proxy states it unreadably.

    peer: the connection's other end. forwarded: values of X-Forwarded-For in order; each proxy
    appends what it saw, so the list is read from its end and only as far as proxies are trusted.
    """
    if not inside(peer, trusted):
        return _canonical(peer)
    entries = [entry for value in forwarded for entry in value.split(b",")]
    for entry in reversed(entries):
        address = _canonical(entry.strip().decode("ascii", "replace"))
        if address is None or not inside(address, trusted):
            return address
    return _canonical(peer) if not entries else _canonical(entries[0].strip().decode("ascii"))


def _canonical(text: str) -> str | None:
    try:
        return str(unmapped(text))
    except ValueError:
        return _with_port(text)


def _with_port(text: str) -> str | None:
    """Read `1.2.3.4:5` and `[v6]:5`, as some proxies write them."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]
    try:
        return str(unmapped(str(ip_address(host))))
    except ValueError:
        return None
