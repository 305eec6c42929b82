"""What an installation knows about upstreams besides DNS and the system's authorities. Pure."""

import re
from collections.abc import Iterable
from ipaddress import ip_address

from pai.errors import SpecError

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_PORT = re.compile(r"(.*[^:]):([0-9]{1,5})")
_LAST_PORT = 65535
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


def static_hosts(entries: Iterable[str]) -> dict[str, str]:
    """Return name to `ip` or `ip:port`. Raises SpecError for what is not `NAME=IP[:PORT]`."""
    found: dict[str, str] = {}
    for entry in entries:
        name, _, place = entry.partition("=")
        if not (_NAME.fullmatch(name) and _is_place(place)):
            raise SpecError(
                f"staticHosts: {entry!r} is not a host with its address",
                hint="NAME=IP or NAME=IP:PORT, the name in lower case; [IP]:PORT for IPv6",
            )
        found[name] = place
    return found


def check_authorities(pem: str) -> None:
    """Raise SpecError for what is not certificates alone; the text is not quoted."""
    if pem and _CERTIFICATE not in pem:
        raise SpecError("extraCaPem: there is no certificate in it", hint="PEM: BEGIN CERTIFICATE")
    if "PRIVATE KEY" in pem:
        raise SpecError("extraCaPem: there is a private key in it", hint="certificates alone")


def _is_place(text: str) -> bool:
    with_port = _PORT.fullmatch(text) if "]" in text or text.count(":") == 1 else None
    host = with_port[1] if with_port else text
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host and (with_port is None or 0 < int(with_port[2]) <= _LAST_PORT)
