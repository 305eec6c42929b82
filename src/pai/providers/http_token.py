"""http-token: any HTTP API that takes a token in a header or in a query parameter."""

import re
from urllib.parse import quote, unquote_to_bytes

from pai.ir.provider import Provider
from pai.providers.plugin import CredentialError, deny_as_json
from pai.providers.request import Answer, Outgoing, Refusal, Request, Resolved

_ALWAYS_STRIPPED = (b"authorization", b"proxy-authorization")
# Servers differ in what separates parameters; one that cuts at ";" must not see a second token.
_PARAMETER = re.compile(rb"[^&;]+")
_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff\t]*)")


class HttpToken:
    """The action is the method in lower case; there are no resources."""

    type = "http-token"
    served = True

    def resolve(self, provider: Provider, request: Request) -> Resolved:
        """Name the method; scope has nothing to hold on to and denies when it is set."""
        return Resolved((request.method.lower(),))

    def inject(self, provider: Provider, secret: str, request: Request) -> Outgoing:
        """Put the token where the provider says; the agent's own tokens are taken out."""
        header = provider.header.lower().encode("ascii", "replace")
        dropped = {*_ALWAYS_STRIPPED, header}
        headers = [(name, value) for name, value in request.headers if name not in dropped]
        query = request.query
        if provider.param is not None:
            query = with_parameter(query, provider.param, secret)
        else:
            headers.append((header, header_value(provider, header, secret)))
        target = request.path.encode("ascii")
        return Outgoing(target + b"?" + query if query else target, headers)

    def deny(self, refusal: Refusal) -> Answer:
        """Make a 403 with a JSON error."""
        return deny_as_json(refusal)


def header_value(provider: Provider, header: bytes, secret: str) -> bytes:
    """Return prefix and token as a header value; refuse what would split the header block."""
    if not _HEADER_NAME.fullmatch(header):
        raise CredentialError(f"provider {provider.name!r}: auth.header is not a header name")
    value = provider.prefix + secret
    if not _HEADER_VALUE.fullmatch(value):
        raise CredentialError(
            f"provider {provider.name!r}: the secret holds characters no header can carry",
            hint="store the token alone, on one line",
        )
    return value.encode("latin-1")


def with_parameter(query: bytes, name: str, secret: str) -> bytes:
    """Take every parameter called `name` out of a query and append it once, with the token.

    Names are compared decoded and without regard to case: a service may do either.
    """
    kept = without_parameters(query, {name})
    added = f"{quote(name, safe='')}={quote(secret, safe='')}".encode()
    return kept + b"&" + added if kept else added


def without_parameters(query: bytes, names: set[str]) -> bytes:
    """Take every parameter whose name is in `names` out of a query; leave the rest as it is."""
    refused = {name.lower().encode() for name in names}
    pieces = _PARAMETER.findall(query)
    if not any(parameter_name(piece) in refused for piece in pieces):
        return query
    kept = []
    for group in query.split(b"&"):
        pieces = [piece for piece in group.split(b";") if parameter_name(piece) not in refused]
        if pieces:
            kept.append(b";".join(pieces))
    return b"&".join(kept)


def parameter_name(piece: bytes) -> bytes:
    """Return the decoded, lower-case name of one `name=value` piece of a query."""
    name = unquote_to_bytes(piece.partition(b"=")[0].replace(b"+", b" ")).strip().lower()
    return name.partition(b"[")[0]  # PHP reads "key[]" as "key"
