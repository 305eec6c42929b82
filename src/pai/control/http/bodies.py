"""Read JSON bodies: errors name the place, never the value, which may be a secret."""

from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from pai.errors import SpecError

T = TypeVar("T")


class ApplyBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Body of the apply call."""

    documents: list[Any]
    personal_env: dict[str, str] | None = None
    create: bool = False
    dry_run: bool = False


async def read_json(request: Request, shape: type[T]) -> T:
    """Return the body in the given shape. Raises SpecError."""
    body = await request.body()
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        # msgspec names types and the path; a field's name is the author's own text, not a value.
        raise SpecError(f"the request body: {error}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise SpecError("the request body is not valid JSON") from None
