"""Checks of a request that hold before any policy: one host, one method, no stray dummy. Pure."""

from collections.abc import Iterable

from pai.providers.http_token import parameter_name
from pai.providers.request import Headers

# With these a POST is a DELETE to some servers, and rules on methods would be about another one.
_OVERRIDE_HEADERS = frozenset(
    (b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-method")
)
# With these some servers serve another path or host than the one that was checked.
_REWRITE_HEADERS = frozenset(
    (b"x-original-url", b"x-rewrite-url", b"x-original-host", b"x-host", b"x-forwarded-host")
)
_OVERRIDE_PARAMETERS = frozenset((b"_method", b"x-http-method-override", b"$httpmethod"))


def host_fault(host: str, port: int | None, sni: str | None, default_port: int) -> str:
    """Say why Host does not fit the connection it came on; empty when it does."""
    if sni is not None and sni != host:
        return f"Host {host} is not the TLS server name {sni}"
    if port is not None and port != default_port:
        return f"Host names port {port}; this host is served on {default_port}"
    return ""


def override_fault(headers: Headers, query: bytes) -> str:
    """Say which header or parameter asks for another method, path or host; empty when none."""
    for name, _ in headers:
        if name in _OVERRIDE_HEADERS:
            return f"header {name.decode()} asks for another method than the request line"
        if name in _REWRITE_HEADERS:
            return f"header {name.decode()} asks for another host or path than the request line"
    for piece in query.replace(b";", b"&").split(b"&"):
        if parameter_name(piece) in _OVERRIDE_PARAMETERS:
            return "a query parameter asks for another method than the request line"
    return ""


def stray_dummy(
    headers: Headers, target: bytes, dummies: Iterable[tuple[bytes, str]], owner: str
) -> str:
    """Return whose dummy stands in a request to `owner` though it is not its own; empty: none's.

    dummies: with the name of the provider or model vendor they stand for.
    """
    for dummy, name in dummies:
        if name == owner or not dummy:
            continue
        if dummy in target or any(dummy in value for _, value in headers):
            return name
    return ""
