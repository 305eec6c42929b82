"""Field types that are text or a number with rules of their own: names, globs, quantities.

Every check reports through `wrong`, so its message, and where it knows one the way out, reach the
author as they are. A checked value that may be a secret is never repeated in a message.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from pai.api import cel
from pai.api.fault import wrong
from pai.api.model import Cel, Twin
from pai.api.quantity import LONGEST_QUANTITY, QuantityError, cpu_milli, size_bytes

LONGEST_NAME = 40  # room for suffixes within a DNS label
LONGEST_NAMESPACE = 63
LONGEST_IMAGE = 512
LONGEST_WORD = 256
LONGEST_GLOB = 512
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
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_JSON_STEP = r"[^.\[\]\x00-\x20\x7f]+(?:\[[0-9]+\])*"
_JSON_PATH = re.compile(rf"(?:{_JSON_STEP}|\[[0-9]+\])(?:\.{_JSON_STEP})*")

PLATFORM_ENV_PREFIX = "PAI_"


def echo(value: str) -> str:
    """Return `value` quoted, and shortened when it is long."""
    return repr(value if len(value) <= LONGEST_ECHO else value[: LONGEST_ECHO - 3] + "...")


def schema(**extra: Any) -> Any:
    """Return further words for the schema of a type."""
    return Field(json_schema_extra=extra)


def name(value: str) -> str:
    """Check the name of a resource or a part: a DNS label of at most 40 characters."""
    return _label(value, LONGEST_NAME)


def namespace_name(value: str) -> str:
    """Check the name of a namespace: a DNS label of at most 63 characters."""
    return _label(value, LONGEST_NAMESPACE)


def _label(value: str, longest: int) -> str:
    if len(value) > longest:
        raise wrong(f"{echo(value)} is longer than {longest} characters")
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


def secret_key(value: str) -> str:
    """Check the key of an entry in a Secret."""
    if not _SECRET_KEY.fullmatch(value) or value in (".", ".."):
        raise wrong(f"{echo(value)} is no key: use letters, digits, '-', '_' and '.'")
    return value


def json_path(value: str) -> str:
    """Check a dotted path into a JSON document; empty is the document itself."""
    if value and not _JSON_PATH.fullmatch(value):
        raise wrong(f"{echo(value)} is no path", "e.g. 'queue.depth', 'items[0].n' or 'items.0.n'")
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


NAME_PATTERN = _LABEL.pattern
NAME_HINT = "use lower-case letters, digits and '-', with a letter or digit at both ends"
Name = Annotated[
    str,
    AfterValidator(name),
    Twin(cel.matches(NAME_PATTERN, "is no name", NAME_HINT)),
    schema(format="name", pattern=rf"^{_LABEL.pattern}$", maxLength=LONGEST_NAME),
]
Namespace = Annotated[
    str,
    AfterValidator(namespace_name),
    schema(format="name", pattern=rf"^{_LABEL.pattern}$", maxLength=LONGEST_NAMESPACE),
]
Image = Annotated[
    str,
    AfterValidator(image),
    Twin(cel.matches(_IMAGE.pattern, "is no image reference", "e.g. ghcr.io/acme/agent:1.2")),
    schema(format="image", minLength=1, maxLength=LONGEST_IMAGE),
]
EnvName = Annotated[
    str,
    Field(max_length=LONGEST_WORD),
    AfterValidator(env_name),
    Twin(
        cel.matches(
            _ENV_NAME.pattern,
            "is no variable name",
            "use letters, digits and '_', not a digit first",
        ),
        Cel(
            f"!self.startsWith('{PLATFORM_ENV_PREFIX}')",
            "is reserved: the platform sets PAI_* itself",
            hint="rename it",
        ),
    ),
    schema(format="env-name", pattern=rf"^{_ENV_NAME.pattern}$"),
]
Text = Annotated[str, AfterValidator(text), schema(pattern=r"^[^\x00]*$")]
Line = Annotated[
    str,
    Field(max_length=LONGEST_GLOB),
    AfterValidator(line),
    Twin(cel.NOT_BLANK, cel.ONE_LINE),
    schema(minLength=1),
]
Word = Annotated[
    str,
    Field(max_length=LONGEST_WORD),
    AfterValidator(word),
    Twin(cel.NO_WHITE_SPACE),
    schema(pattern=r"^\S+$"),
]
Glob = Annotated[
    str,
    Field(max_length=LONGEST_GLOB),
    AfterValidator(glob),
    Twin(cel.NO_WHITE_SPACE),
    schema(format="glob", pattern=r"^\S+$"),
]
SecretKey = Annotated[
    str,
    Field(max_length=253),
    AfterValidator(secret_key),
    Twin(
        cel.matches(_SECRET_KEY.pattern, "is no key", "use letters, digits, '-', '_' and '.'"),
        cel.none_of((".", ".."), "is no key", "use a name such as token"),
    ),
    schema(format="secret-key", pattern=rf"^{_SECRET_KEY.pattern}$"),
]
JsonPath = Annotated[
    str,
    Field(max_length=LONGEST_GLOB),
    AfterValidator(json_path),
    Twin(
        cel.matches(
            rf"|{_JSON_PATH.pattern}", "is no path", "e.g. queue.depth, items[0].n or items.0.n"
        )
    ),
    schema(format="json-path"),
]
_AMOUNT = {"format": "quantity", "type": ["string", "number"], "maxLength": LONGEST_QUANTITY}
CpuQuantity = Annotated[
    str,
    BeforeValidator(_number_as_text),
    AfterValidator(_quantity(cpu_milli, "a CPU amount")),
    Twin(*cel.QUANTITY),
    schema(**_AMOUNT),
]
ByteQuantity = Annotated[
    str,
    BeforeValidator(_number_as_text),
    AfterValidator(_quantity(size_bytes, "a size")),
    Twin(*cel.QUANTITY, cel.WHOLE_BYTES),
    schema(**_AMOUNT),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Tokens = Annotated[int, Field(ge=1, le=10**15)]
Concurrent = Annotated[int, Field(ge=1, le=100_000)]
