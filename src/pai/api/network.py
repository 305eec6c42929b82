"""Field types that name places on a network: CIDRs, hosts, URLs."""

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pai.api import cel
from pai.api.fault import wrong
from pai.api.model import Cel, Twin
from pai.api.scalars import CONTROL, echo

LONGEST_HOST = 253
LONGEST_URL = 2048
_LABEL = r"[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?"
_HOST_LABEL = re.compile(_LABEL)
_HOST_ANY_CASE = rf"{_LABEL}(?:\.{_LABEL})*".replace(
    "a-z", "A-Za-z"
)  # (?i) would fold letters beyond ASCII too
_PORT = r"0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
# White space, control characters, '\\' and '#' are looked for beside it.
_URL = re.compile(
    rf"[hH][tT][tT][pP][sS]?://(?:\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|{_HOST_ANY_CASE}\.?)"
    rf"(?::(?:{_PORT}))?(?:[/?].*)?"
)
_PREFIX = re.compile(r"[0-9A-Fa-f.:]+/(?:0|[1-9][0-9]{0,2})")
_CIDR_EXAMPLES = "e.g. '10.0.0.0/8', '203.0.113.7/32' or '::/0'"


def cidr(value: str) -> str:
    """Check an address block in its canonical form."""
    if "/" not in value and is_address(value):
        raise wrong(f"{echo(value)} is an address, not a CIDR block", _cidr_hint(value))
    try:
        block = ipaddress.ip_network(value)
    except ValueError:
        raise wrong(f"{echo(value)} is no CIDR block", _cidr_hint(value)) from None
    if not _PREFIX.fullmatch(value) or _is_mapped(block.network_address):
        raise wrong(f"{echo(value)} is no CIDR block", _cidr_hint(value))
    return value


def _is_mapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Say whether an address is one of IPv4 in the clothes of IPv6, which few agree upon."""
    return isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None


def _cidr_hint(value: str) -> str:
    try:
        block = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return _CIDR_EXAMPLES
    return _CIDR_EXAMPLES if _is_mapped(block.network_address) else f"did you mean {str(block)!r}?"


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
    if not value.isascii():  # also what lower case makes ASCII of
        raise wrong(
            f"{echo(value)} is no host name", "write an international name in its xn-- form"
        )
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
    if not _URL.fullmatch(value) or not _is_sound_address(parts.hostname):
        raise wrong("is no URL")
    return value


def _is_sound_address(hostname: str) -> bool:
    """Say whether an IPv6 address is one that all readers take for the same."""
    return ":" not in hostname or not _is_mapped(ipaddress.ip_address(hostname))


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


_HOST_RULES = (
    cel.lacks(r"^[0-9.]+$", "is an address: only host names can be named here"),
    cel.lacks(r"(?i:(^|\.)localhost$)", "is the agent's own machine and is never passed on"),
)
_HOST_HINT = "name one host exactly, without '*', scheme, port and path, e.g. api.example.com"
_PATTERN_HINT = "a name, or '*.' and at least two labels, e.g. *.example.com"
_BRACKET = cel.literal(r"^[^/]*//\[")
_URL_RULES = (
    cel.lacks(
        r"[\x00-\x20\x7f\x{85}\p{Z}\\]",
        "is no URL: white space, control characters or '\\' in it",
    ),
    cel.lacks("#", "must not have a fragment ('#...')"),
    cel.lacks("^[^/]*//[^/?#]*@", "must not hold credentials", "put them into a Secret"),
    cel.matches(
        rf"(?s:{_URL.pattern})", "is no URL", "http:// or https:// and a host, e.g. https://a.b/c"
    ),
    Cel(
        f"!self.matches({_BRACKET}) || isIP(self.split('[')[1].split(']')[0])",
        "is no URL",
        hint="no IPv6 address stands between '[' and ']'",
    ),
)
Cidr = Annotated[
    str,
    Field(max_length=64),
    AfterValidator(cidr),
    Twin(
        Cel("isCIDR(self)", "is no CIDR block", hint=_CIDR_EXAMPLES),
        Cel(
            "!isCIDR(self) || cidr(self) == cidr(self).masked()",
            "is no CIDR block: bits behind the prefix are set",
            hint="write the network's own address, e.g. 10.0.0.0/8 and not 10.0.0.1/8",
        ),
    ),
    Field(json_schema_extra={"format": "cidr", "pattern": r"^[0-9a-fA-F.:]+/[0-9]{1,3}$"}),
]
Host = Annotated[
    str,
    AfterValidator(host),
    Twin(cel.matches(_HOST_ANY_CASE, "is no host name", _HOST_HINT), *_HOST_RULES),
    Field(json_schema_extra={"format": "host", "maxLength": LONGEST_HOST}),
]
HostPattern = Annotated[
    str,
    AfterValidator(host_pattern),
    Twin(
        cel.matches(rf"(\*\.)?{_HOST_ANY_CASE}", "is no host name", _PATTERN_HINT),
        cel.lacks(r"^\*\.[^.]*$", "is too wide: name at least two labels after '*.'"),
        cel.lacks(r"^(\*\.)?[0-9.]+$", "is an address: only host names can be named here"),
        _HOST_RULES[1],
        Cel(
            f"size(self) <= {LONGEST_HOST} || self.startsWith('*.')",
            "is no host name",
            hint=f"a name has at most {LONGEST_HOST} characters",
        ),
    ),
    Field(json_schema_extra={"format": "host-pattern", "maxLength": LONGEST_HOST + 2}),
]
_URL_WORDS = Field(json_schema_extra={"format": "url", "pattern": "^https?://"})
Url = Annotated[
    str, Field(max_length=LONGEST_URL), AfterValidator(url), Twin(*_URL_RULES), _URL_WORDS
]
Endpoint = Annotated[
    str,
    Field(max_length=LONGEST_URL),
    AfterValidator(endpoint),
    Twin(
        *_URL_RULES,
        cel.lacks(r"\?", "must not have a query ('?...')", "a key belongs into a Secret"),
    ),
    _URL_WORDS,
]
