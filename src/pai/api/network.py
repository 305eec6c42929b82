"""Field types that name places on a network: CIDRs, hosts, URLs."""

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pai.api.fault import wrong
from pai.api.scalars import CONTROL, echo

LONGEST_HOST = 253
_HOST_LABEL = re.compile(r"[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?")


def cidr(value: str) -> str:
    """Check an address block in its canonical form."""
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise wrong(f"{echo(value)} is no CIDR block", _cidr_hint(value)) from None
    if "/" not in value:
        raise wrong(f"{echo(value)} is an address, not a CIDR block", _cidr_hint(value))
    return value


def _cidr_hint(value: str) -> str:
    try:
        return f"did you mean {str(ipaddress.ip_network(value, strict=False))!r}?"
    except ValueError:
        return "e.g. '10.0.0.0/8', '203.0.113.7/32' or '::/0'"


def is_address(value: str) -> bool:
    """Say whether `value` is an IP address, also one in brackets or of digits only."""
    try:
        ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        return value.replace(".", "").isdigit()
    return True


def host(value: str) -> str:
    """Check one exact host name; returned in lower case."""
    lower = value.lower()
    if lower.startswith("*"):
        raise wrong(f"{echo(value)}: a wildcard is not possible here, name one host")
    return _checked_host(value, lower)


def host_pattern(value: str) -> str:
    """Check a host name or `*.suffix`; returned in lower case."""
    lower = value.lower()
    suffix = lower.removeprefix("*.")
    if suffix != lower and "." not in suffix:
        raise wrong(f"{echo(value)} is too wide: name at least two labels after '*.'")
    if "*" in suffix:
        raise wrong(f"{echo(value)}: a wildcard can only be the first label, as in '*.example.com'")
    _checked_host(value, suffix)
    return lower


def _checked_host(value: str, lower: str) -> str:
    if "://" in lower or "/" in lower:
        inner = urlsplit(lower if "://" in lower else f"//{lower}").netloc.rpartition("@")[2]
        raise wrong(f"{echo(value)} is no host name", f"did you mean {inner!r}?" if inner else None)
    if is_address(lower):
        raise wrong(f"{echo(value)} is an address: only host names can be named here")
    if ":" in lower:
        raise wrong(f"{echo(value)} is no host name: leave the port out")
    labels = lower.split(".")
    if len(lower) > LONGEST_HOST or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise wrong(f"{echo(value)} is no host name", _host_hint(lower))
    if labels[-1] == "localhost":
        raise wrong(f"{echo(value)} is the agent's own machine and is never passed on")
    return lower


def _host_hint(lower: str) -> str | None:
    if not lower.isascii():
        return "write an international name in its xn-- form"
    return "leave the final '.' out" if lower.endswith(".") else None


def url(value: str) -> str:
    """Check an http or https URL; a query is possible, credentials and a fragment are not."""
    if CONTROL.search(value) or any(char.isspace() for char in value) or "\\" in value:
        raise wrong("is no URL: white space, control characters or '\\' in it")
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise wrong("is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong("must be a URL with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise wrong("must not hold credentials", "put them into a Secret")
    if "#" in value:
        raise wrong("must not have a fragment ('#...')")
    if not is_address(parts.hostname):
        _url_host(parts.hostname)
    return value


def _url_host(hostname: str) -> None:
    labels = hostname.lower().removesuffix(".").split(".")
    if len(hostname) > LONGEST_HOST or not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise wrong(f"{echo(hostname)} is no host name")


def endpoint(value: str) -> str:
    """Check the base URL of a service: no credentials, query or fragment; no '/' at its end."""
    url(value)
    if "?" in value:
        raise wrong("must not have a query ('?...')", "a key belongs into a Secret")
    return value.rstrip("/")


Cidr = Annotated[
    str,
    AfterValidator(cidr),
    Field(json_schema_extra={"format": "cidr", "pattern": r"^[0-9a-fA-F.:]+/[0-9]{1,3}$"}),
]
Host = Annotated[
    str,
    AfterValidator(host),
    Field(json_schema_extra={"format": "host", "maxLength": LONGEST_HOST}),
]
HostPattern = Annotated[
    str,
    AfterValidator(host_pattern),
    Field(json_schema_extra={"format": "host-pattern", "maxLength": LONGEST_HOST + 2}),
]
Url = Annotated[
    str, AfterValidator(url), Field(json_schema_extra={"format": "url", "pattern": "^https?://"})
]
Endpoint = Annotated[
    str,
    AfterValidator(endpoint),
    Field(json_schema_extra={"format": "url", "pattern": "^https?://"}),
]
