"""Field types of requests over HTTP: path globs, methods, headers, query parameters."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from pai.api import cel
from pai.api.fault import wrong
from pai.api.model import Twin
from pai.api.scalars import CONTROL, LONGEST_GLOB, LONGEST_WORD, echo, schema, word

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_QUERY_NAME = re.compile(r"[A-Za-z0-9._~\[\]-]+")
_FRAMING_HEADERS = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def path_glob(value: str) -> str:
    """Check a glob over request paths: `/repos/*/issues`, `/v1/**`."""
    word(value)
    if not value.startswith(("/", "*")):
        raise wrong(f"{echo(value)} must start with '/' or '*'", f"did you mean '/{value}'?")
    if "//" in value or ".." in value.split("/") or "?" in value or "#" in value:
        raise wrong(
            f"{echo(value)} can never match: paths are compared without '//', '..', '?' and '#'"
        )
    return value


def method(value: str) -> str:
    """Check an HTTP method; returned in upper case."""
    if not _TOKEN.fullmatch(value):
        raise wrong(f"{echo(value)} is no HTTP method")
    return value.upper()


def header_name(value: str) -> str:
    """Check a request header that may carry a credential: none that frames the message."""
    if not _TOKEN.fullmatch(value):
        raise wrong(f"{echo(value)} is no header name")
    if value.lower() in _FRAMING_HEADERS:
        raise wrong(f"{echo(value)} belongs to the connection and can't carry a token")
    return value


def header_prefix(value: str) -> str:
    """Check what stands before a token in a header: visible ASCII and spaces."""
    if not value.isascii() or CONTROL.search(value):
        raise wrong("must be printable ASCII without line breaks")
    return value


def query_name(value: str) -> str:
    """Check the name of a query parameter."""
    if not _QUERY_NAME.fullmatch(value):
        raise wrong(f"{echo(value)} is no parameter name: use letters, digits, '.', '_', '-', '~'")
    return value


PathGlob = Annotated[
    str,
    Field(max_length=LONGEST_GLOB),
    AfterValidator(path_glob),
    Twin(
        cel.NO_WHITE_SPACE,
        cel.matches(r"[/*][^\n]*", "must start with '/' or '*'"),
        cel.lacks(
            r"//|[?#]|(^|/)\.\.(/|$)",
            "can never match: paths are compared without '//', '..', '?' and '#'",
        ),
    ),
    schema(format="path-glob", pattern=r"^[/*]\S*$"),
]
Method = Annotated[
    str,
    Field(max_length=LONGEST_WORD),
    AfterValidator(method),
    Twin(cel.matches(_TOKEN.pattern, "is no HTTP method")),
    schema(format="method", pattern=rf"^{_TOKEN.pattern}$"),
]
HeaderName = Annotated[
    str,
    Field(max_length=LONGEST_WORD),
    AfterValidator(header_name),
    Twin(
        cel.matches(_TOKEN.pattern, "is no header name"),
        cel.lacks(
            f"^(?i:{'|'.join(sorted(_FRAMING_HEADERS))})$",
            "belongs to the connection and can't carry a token",
        ),
    ),
    schema(pattern=rf"^{_TOKEN.pattern}$"),
]
HeaderPrefix = Annotated[
    str,
    Field(max_length=LONGEST_WORD),
    AfterValidator(header_prefix),
    Twin(cel.PRINTABLE_ASCII),
]
QueryName = Annotated[
    str,
    Field(max_length=LONGEST_WORD),
    AfterValidator(query_name),
    Twin(
        cel.matches(
            _QUERY_NAME.pattern,
            "is no parameter name",
            "use letters, digits, '.', '_', '-', '~'",
        )
    ),
    schema(minLength=1),
]
