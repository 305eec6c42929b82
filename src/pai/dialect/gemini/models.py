"""The list of models, as `GET /v1beta/models` answers it.

Source: https://ai.google.dev/api/models
"""

from collections.abc import Iterable, Mapping

import msgspec

_METHODS = (
    "generateContent",
    "streamGenerateContent",
    "countTokens",
    "embedContent",
    "batchEmbedContents",
)


def _entry(name: str) -> Mapping[str, object]:
    return {
        "name": f"models/{name}",
        "version": "",
        "displayName": name,
        "supportedGenerationMethods": _METHODS,
    }


def models_body(models: Iterable[tuple[str, str]]) -> bytes:
    """Return the list on one page; models: name and owner, in order."""
    return msgspec.json.encode({"models": [_entry(name) for name, _ in models]})


def model_body(name: str, owner: str) -> bytes:
    """Return one model; the shape has no place for its owner."""
    return msgspec.json.encode(_entry(name))
