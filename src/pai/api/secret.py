"""Secret: keys and values that are kept sealed and never shown again."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from pai.api.fault import wrong
from pai.api.metadata import API_VERSION, ResourceModel
from pai.api.scalars import SecretKey

MAX_SECRET_BYTES = 1_000_000


def _entries(entries: dict[str, str]) -> dict[str, str]:
    if not entries:
        raise wrong("must hold at least one entry", "e.g. 'token: ...'")
    if sum(len(key) + len(value.encode()) for key, value in entries.items()) > MAX_SECRET_BYTES:
        raise wrong(f"hold more than {MAX_SECRET_BYTES} bytes together")
    empty = [key for key, value in entries.items() if not value.strip()]
    if empty:
        raise wrong("must not be empty", path=(empty[0],))
    return entries


class Secret(ResourceModel):
    """Keys and values, e.g. the API key of a vendor.

    `string_data` is the one field of all resources that holds secret values; it is left out of
    `repr` and no check repeats a value.
    """

    api_version: Literal["pai.io/v1"] = Field(default=API_VERSION, description="`pai.io/v1`.")
    kind: Literal["Secret"] = Field(default="Secret", description="`Secret`.")
    string_data: Annotated[dict[SecretKey, str], AfterValidator(_entries)] = Field(
        repr=False, description="Entries by key. Kept encrypted, never shown again."
    )
    status: dict[str, Any] | None = Field(
        default=None, description="Written by the platform, ignored when sent."
    )
