"""The list of models, as Anthropic's `GET /v1/models` answers it.

Source: https://platform.claude.com/docs/en/api/models/list
"""

from collections.abc import Iterable, Mapping

import msgspec

_UNKNOWN_DATE = "1970-01-01T00:00:00Z"  # what Anthropic says of a model without a date


def _entry(name: str) -> Mapping[str, str]:
    return {"type": "model", "id": name, "display_name": name, "created_at": _UNKNOWN_DATE}


def models_body(models: Iterable[tuple[str, str]]) -> bytes:
    """Return the list on one page; models: name and owner, in order."""
    data = [_entry(name) for name, _ in models]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    page = {"data": data, "has_more": False, "first_id": first, "last_id": last}
    return msgspec.json.encode(page)


def model_body(name: str, owner: str) -> bytes:
    """Return one model; the shape has no place for its owner."""
    return msgspec.json.encode(_entry(name))
