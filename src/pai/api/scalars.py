"""Field types that are text or a number with rules of their own: names, globs, quantities.

Every check reports through `wrong`, so its message, and where it knows one the way out, reach the
author as they are. A checked value that may be a secret is never repeated in a message.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from pai.api.fault import wrong
from pai.api.quantity import QuantityError, cpu_milli, size_bytes

LONGEST_NAME = 40  # room for suffixes within a DNS label
LONGEST_IMAGE = 512
LONGEST_ECHO = 80
CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_IMAGE_DOMAIN = (
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*"
    r"|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)
_IMAGE_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
# Source: github.com/distribution/reference, grammar of a reference.
_IMAGE = re.compile(
    rf"(?:{_IMAGE_DOMAIN}/)?{_IMAGE_PART}(?:/{_IMAGE_PART})*(?::[\w][\w.-]{{0,127}})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_JSON_PATH = re.compile(
    r"(?:[^.\[\]\s]+(?:\[[0-9]+\])*|\[[0-9]+\])(?:\.[^.\[\]\s]+(?:\[[0-9]+\])*)*"
)

PLATFORM_ENV_PREFIX = "PAI_"


def echo(value: str) -> str:
    """Return `value` quoted, and shortened when it is long."""
    return repr(value if len(value) <= LONGEST_ECHO else value[: LONGEST_ECHO - 3] + "...")


def _schema(**extra: Any) -> Any:
    return Field(json_schema_extra=extra)


def name(value: str) -> str:
    """Check the name of a resource or a part: a DNS label of at most 40 characters."""
    if len(value) > LONGEST_NAME:
        raise wrong(f"{echo(value)} is longer than {LONGEST_NAME} characters")
    if not _LABEL.fullmatch(value):
        legal = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
        raise wrong(
            f"{echo(value)} is no name: use lower-case letters, digits and '-', "
            "with a letter or digit at both ends",
            f"did you mean {legal!r}?" if legal else None,
        )
    return value


def image(value: str) -> str:
    """Check a container image reference."""
    if len(value) > LONGEST_IMAGE:
        raise wrong(f"{echo(value)} is longer than {LONGEST_IMAGE} characters")
    if _IMAGE.fullmatch(value):
        return value
    lower = value.lower()
    close = _IMAGE.fullmatch(lower) is not None
    raise wrong(
        f"{echo(value)} is no image reference",
        f"repository names are lower case: {lower!r}" if close else "e.g. ghcr.io/acme/agent:1.2",
    )


def env_name(value: str) -> str:
    """Check the name of an environment variable; `PAI_*` belongs to the platform."""
    if not _ENV_NAME.fullmatch(value):
        raise wrong(
            f"{echo(value)} is no variable name: use letters, digits and '_', not a digit first"
        )
    if value.startswith(PLATFORM_ENV_PREFIX):
        raise wrong(f"{echo(value)} is reserved: the platform sets PAI_* itself", "rename it")
    return value


def text(value: str) -> str:
    """Check text that ends up in a file, an argument or a variable: no NUL byte. Never echoed."""
    if "\x00" in value:
        raise wrong("must not contain a NUL character")
    return value


def line(value: str) -> str:
    """Check one non-empty line of visible text. Never echoed."""
    if not value.strip():
        raise wrong("must not be empty")
    if CONTROL.search(value):
        raise wrong("must not contain line breaks or control characters")
    return value


def word(value: str) -> str:
    """Check a non-empty text without white space."""
    if not value:
        raise wrong("must not be empty")
    if CONTROL.search(value) or any(char.isspace() for char in value):
        raise wrong(f"{echo(value)} must not contain white space")
    return value


def glob(value: str) -> str:
    """Check a glob over actions, tools or resources."""
    return word(value)


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


def secret_key(value: str) -> str:
    """Check the key of an entry in a Secret."""
    if not _SECRET_KEY.fullmatch(value) or len(value) > 253 or value in (".", ".."):
        raise wrong(f"{echo(value)} is no key: use letters, digits, '-', '_' and '.'")
    return value


def json_path(value: str) -> str:
    """Check a dotted path into a JSON document; empty is the document itself."""
    if value and not _JSON_PATH.fullmatch(value):
        raise wrong(f"{echo(value)} is no path", "e.g. 'queue.depth', 'items[0].n' or 'items.0.n'")
    return value


def header_name(value: str) -> str:
    """Check a request header that may carry a credential: none that frames the message."""
    if not _TOKEN.fullmatch(value):
        raise wrong(f"{echo(value)} is no header name")
    if value.lower() in _FRAMING_HEADERS:
        raise wrong(f"{echo(value)} belongs to the connection and can't carry a token")
    return value


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


def header_prefix(value: str) -> str:
    """Check what stands before a token in a header: visible ASCII and spaces."""
    if not value.isascii() or CONTROL.search(value):
        raise wrong("must be printable ASCII without line breaks")
    return value


def query_name(value: str) -> str:
    """Check the name of a query parameter."""
    if not re.fullmatch(r"[A-Za-z0-9._~\[\]-]+", value):
        raise wrong(f"{echo(value)} is no parameter name: use letters, digits, '.', '_', '-', '~'")
    return value


def _number_as_text(value: object) -> object:
    """Let people write `cpu: 2` and `cpu: 0.5`."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def _quantity(parse: Callable[[str], int], what: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        try:
            amount = parse(value)
        except QuantityError as error:
            raise wrong(error.message, error.hint) from None
        if amount < 1:
            raise wrong(f"{what} must be above zero")
        return value

    return check


Name = Annotated[
    str,
    AfterValidator(name),
    _schema(format="name", pattern=rf"^{_LABEL.pattern}$", maxLength=LONGEST_NAME),
]
Image = Annotated[str, AfterValidator(image), _schema(format="image", minLength=1)]
EnvName = Annotated[
    str, AfterValidator(env_name), _schema(format="env-name", pattern=rf"^{_ENV_NAME.pattern}$")
]
Text = Annotated[str, AfterValidator(text)]
Line = Annotated[str, AfterValidator(line), _schema(minLength=1)]
Word = Annotated[str, AfterValidator(word), _schema(pattern=r"^\S+$")]
Glob = Annotated[str, AfterValidator(glob), _schema(format="glob", pattern=r"^\S+$")]
PathGlob = Annotated[
    str, AfterValidator(path_glob), _schema(format="path-glob", pattern=r"^[/*]\S*$")
]
Method = Annotated[
    str, AfterValidator(method), _schema(format="method", pattern=rf"^{_TOKEN.pattern}$")
]
SecretKey = Annotated[
    str,
    AfterValidator(secret_key),
    _schema(format="secret-key", pattern=rf"^{_SECRET_KEY.pattern}$", maxLength=253),
]
JsonPath = Annotated[str, AfterValidator(json_path), _schema(format="json-path")]
HeaderName = Annotated[str, AfterValidator(header_name), _schema(pattern=rf"^{_TOKEN.pattern}$")]
HeaderPrefix = Annotated[str, AfterValidator(header_prefix)]
QueryName = Annotated[str, AfterValidator(query_name), _schema(minLength=1)]
_AMOUNT = {"format": "quantity", "type": ["string", "number"]}
CpuQuantity = Annotated[
    str,
    BeforeValidator(_number_as_text),
    AfterValidator(_quantity(cpu_milli, "a CPU amount")),
    _schema(**_AMOUNT),
]
ByteQuantity = Annotated[
    str,
    BeforeValidator(_number_as_text),
    AfterValidator(_quantity(size_bytes, "a size")),
    _schema(**_AMOUNT),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Tokens = Annotated[int, Field(ge=1, le=10**15)]
