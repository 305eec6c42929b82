"""What every dialect demands of a request body before it looks into it.

Values that are not ours to change stay byte for byte what the client sent. A key that is given
twice counts once, with its last value: what was looked at is what is sent.
"""

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Final, TypeVar

import msgspec
from msgspec import Raw

from pai.dialect.refused import BadRequestError

NULL: Final = Raw(b"null")
MOST_CAP: Final = 2**31 - 1
Fields = Mapping[str, Raw]
"""Top-level values as sent."""

_object: Final = msgspec.json.Decoder(dict[str, Raw])
_PATH: Final = re.compile(r" - at `\$\.?(\w*)")
_T = TypeVar("_T")


def read_body(body: bytes, known: Callable[[bytes], _T]) -> tuple[dict[str, Raw], _T]:
    """Return the body's fields as sent, and what `known` decodes of them.

    Raises BadRequestError for anything that is not a JSON object of the shape. NaN, invalid UTF-8
    and nesting deeper than a thousand levels are refused too: two parsers might read them
    differently.
    """
    try:
        body.decode()  # Raw values are not looked into
        return _object.decode(body), known(body)
    except UnicodeDecodeError as text:
        raise BadRequestError("the body is not valid UTF-8") from text
    except RecursionError as depth:
        raise BadRequestError("the body is nested too deeply") from depth
    except msgspec.ValidationError as field:
        place = _PATH.search(str(field))
        raise BadRequestError(str(field), place[1] or None if place else None) from field
    except msgspec.DecodeError as error:
        raise BadRequestError(f"the body is not a JSON object: {error}") from error


def check_names(fields: Fields, ours: Collection[str]) -> None:
    """Refuse what would name one of `ours` past the value that was looked at.

    Some servers compare names without regard to case (Go's encoding/json).
    Raises BadRequestError.
    """
    for name in fields:
        folded = name.casefold()
        if name not in ours and folded in ours:
            raise BadRequestError(f"write '{folded}' for '{name}'", name)


def object_of(value: Raw) -> dict[str, Raw]:
    """Return the fields of an object. Raises msgspec.DecodeError."""
    return _object.decode(value)


@lru_cache(maxsize=1024)
def quoted(text: str) -> Raw:
    """Return a JSON string; for the few that come again and again."""
    return Raw(msgspec.json.encode(text))
