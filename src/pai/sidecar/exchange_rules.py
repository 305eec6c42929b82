"""Checks of a request that hold before any policy: one host, one method, no stray dummy. Pure."""

from collections.abc import Iterable

from pai.providers.http_token import parameter_name
from pai.providers.request import Headers

# With some of these a POST is a DELETE to some servers, with others another path or host is
# served than the one that was checked: rules would be about another request.
_MISLEADING = {
    b"x-http-method-override": "method",
    b"x-http-method": "method",
    b"x-method-override": "method",
    b"x-original-method": "method",
    b"x-original-url": "path",
    b"x-rewrite-url": "path",
    b"x-original-host": "host",
    b"x-host": "host",
    b"x-forwarded-host": "host",
}
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
        what = _MISLEADING.get(name)
        if what is not None:
            return f"header {name.decode()} asks for another {what} than the request line"
    if not query:
        return ""
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
    text = b"\n".join([target, *[value for _, value in headers]])
    for dummy, name in dummies:
        if dummy and name != owner and dummy in text:
            return name
    return ""
