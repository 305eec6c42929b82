"""The list of models, as `GET /v1/models` answers it."""

from collections.abc import Iterable, Mapping

import msgspec

_Entry = Mapping[str, str | int]


def _entry(name: str, owner: str) -> _Entry:
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}


def models_body(models: Iterable[tuple[str, str]]) -> bytes:
    """Return the list; models: name and owner, in order."""
    data = [_entry(name, owner) for name, owner in models]
    return msgspec.json.encode({"object": "list", "data": data})


def model_body(name: str, owner: str) -> bytes:
    """Return one model."""
    return msgspec.json.encode(_entry(name, owner))
