"""Names of fields in Google's JSON, which has two for each: `maxOutputTokens`, `max_output_tokens`.

Both count at the vendor, so whichever the client used is the one that is looked at, changed and
sent; a field that is given in both spellings is refused.
Source: https://protobuf.dev/programming-guides/json/
"""

import re
from collections.abc import Collection
from functools import lru_cache

import msgspec

from pai.dialect.body import Fields
from pai.dialect.refused import BadRequestError

_SNAKE_KEY = re.compile(rb'"([a-z][a-z0-9]*+(?:_[a-z0-9]++)++)"\s*+:')
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_NEXT_WORD = re.compile(r"_([a-z0-9])")
_CAPITAL = re.compile(r"[A-Z]")
_OPAQUE = frozenset(
    {
        *("args", "response", "labels", "parametersJsonSchema", "responseJsonSchema"),
        *("default", "example", "enum", "partMetadata"),
    }
)
"""Below these the names are the client's own."""
_MAPS = frozenset({"properties", "defs"})
"""Here the names are the client's own, but what they stand for is Google's."""
_READ = frozenset(
    {
        *(b"system_instruction", b"tool_config", b"generation_config", b"safety_settings"),
        *(b"cached_content", b"service_tier", b"inline_data", b"file_data", b"function_call"),
        *(b"function_response", b"thought_signature", b"video_metadata", b"media_resolution"),
        *(b"part_metadata", b"mime_type", b"display_name", b"file_uri", b"function_declarations"),
        *(b"parameters_json_schema", b"response_json_schema", b"function_calling_config"),
        *(b"allowed_function_names", b"include_thoughts", b"thinking_budget", b"thinking_level"),
        *(b"top_p", b"top_k", b"stop_sequences", b"candidate_count", b"max_output_tokens"),
        *(b"presence_penalty", b"frequency_penalty", b"response_mime_type", b"response_schema"),
        *(b"response_logprobs", b"thinking_config", b"response_modalities", b"any_of"),
        *(b"min_items", b"max_items", b"min_length", b"max_length", b"additional_properties"),
        *(b"min_properties", b"max_properties", b"task_type", b"output_dimensionality"),
        *(b"audio_timestamp", b"enable_enhanced_civic_answers", b"automatic_function_calling"),
    }
)
"""What is read in camelCase; a body that has none of these is as it should be."""


@lru_cache(maxsize=1024)
def snake_of(name: str) -> str:
    """Return a camelCase name in snake_case."""
    return _CAPITAL.sub(lambda match: "_" + match[0].lower(), name)


@lru_cache(maxsize=1024)
def _camel_of(name: str) -> str:
    if _SNAKE.fullmatch(name) is None:
        return name
    return _NEXT_WORD.sub(lambda match: match[1].upper(), name)


def spelling_of(fields: Fields, name: str) -> str:
    """Return the spelling that is used here; the camelCase `name` when the field is absent.

    Raises BadRequestError when it is given in both.
    """
    snake = snake_of(name)
    if snake == name or snake not in fields:
        return name
    if name in fields:
        raise _twice(name, snake)
    return snake


def check_spellings(fields: Fields, ours: Collection[str]) -> None:
    """Refuse what names one of `ours` in neither of its spellings, past what is looked at.

    ours: camelCase names. Raises BadRequestError.
    """
    folded = {_folded(name): name for name in ours}
    for name in fields:
        meant = folded.get(_folded(name))
        if meant is not None and name not in (meant, snake_of(meant)):
            raise BadRequestError(f"write '{meant}' for '{name}'", name)


def in_camel_case(body: bytes) -> bytes:
    """Return the body with all of Google's names in camelCase.

    Raises BadRequestError for a field that is given in both spellings, msgspec.DecodeError,
    RecursionError.
    """
    if not any(match[1] in _READ for match in _SNAKE_KEY.finditer(body)):
        return body
    return msgspec.json.encode(_renamed(msgspec.json.decode(body)))


def _renamed(value: object) -> object:
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    if not isinstance(value, dict):
        return value
    renamed: dict[str, object] = {}
    for name, inner in value.items():
        camel = _camel_of(name)
        if camel in renamed:
            raise _twice(camel, snake_of(camel))
        if camel in _OPAQUE:
            renamed[camel] = inner
        elif camel in _MAPS and isinstance(inner, dict):
            renamed[camel] = {own: _renamed(each) for own, each in inner.items()}
        else:
            renamed[camel] = _renamed(inner)
    return renamed


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()


def _twice(name: str, snake: str) -> BadRequestError:
    return BadRequestError(f"'{name}' and '{snake}' are the same field; send one of them", name)
