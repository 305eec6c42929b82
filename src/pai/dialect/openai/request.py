"""Read a chat request as far as it matters, and write it anew with as little change as possible.

Values that are not ours to change stay byte for byte what the client sent. A key that is given
twice counts once, with its last value: what was looked at is what is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.openai.shape import input_shape

_CAPS = ("max_completion_tokens", "max_tokens")
_MOST_ANSWERS = 128
_MOST_CAP = 2**31 - 1

_T = TypeVar("_T")
_object = msgspec.json.Decoder(dict[str, Raw])
_object_or_null = msgspec.json.Decoder(dict[str, Raw] | None)
_integer = msgspec.json.Decoder(int | None)
_boolean = msgspec.json.Decoder(bool | None)
_text = msgspec.json.Decoder(str | None)

_OURS = frozenset({"model", "models", "preset", "n", "stream", "stream_options", *_CAPS})

_NOT_SERVED = {
    "models": "another model could answer than the one that was allowed; send 'model'",
    "preset": "a preset may name another model; send 'model'",
}


class BadRequestError(Exception):
    """The client's request can't be served as written. param: the field at fault."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat request, read.

    fields: top-level values as sent. model: None when absent. cap: the client's own output cap, the
    highest if it sent both spellings. wants_usage: the client asked for the stream's usage chunk.
    """

    fields: Mapping[str, Raw]
    model: str | None
    stream: bool
    wants_usage: bool
    answers: int
    cap: int | None
    shape: InputShape

    def body_for(self, model: str, cap: int, cap_field: str) -> bytes:
        """Return the body to send: `model`, output cap lowered to `cap`, usage asked for.

        cap_field: spelling of the cap that the vendor takes, when the client sent none.
        """
        fields = dict(self.fields)
        fields["model"] = Raw(msgspec.json.encode(model))
        present = [name for name in _CAPS if _integer_of(fields, name) is not None]
        for name in present or [cap_field]:
            own = _integer_of(fields, name)
            if own is None or own > cap:
                fields[name] = Raw(str(cap).encode())
        if self.stream and not self.wants_usage:
            fields["stream_options"] = _with_usage(fields.get("stream_options"))
        return msgspec.json.encode(fields)


def read_request(body: bytes) -> ChatRequest:
    """Read a request. Raises BadRequestError for anything that is not a JSON object of the shape.

    NaN, invalid UTF-8 and nesting deeper than a thousand levels are refused too: two parsers might
    read them differently.
    """
    try:
        body.decode()  # Raw values are not looked into
        fields = _object.decode(body)
    except UnicodeDecodeError as error:
        raise BadRequestError("the body is not valid UTF-8") from error
    except RecursionError as error:
        raise BadRequestError("the body is nested too deeply") from error
    except msgspec.DecodeError as error:
        raise BadRequestError(f"the body is not a JSON object: {error}") from error
    _check_names(fields)
    stream = _typed(_boolean, fields, "stream") or False
    caps = [cap for name in _CAPS if (cap := _integer_of(fields, name)) is not None]
    return ChatRequest(
        fields=fields,
        model=_typed(_text, fields, "model"),
        stream=stream,
        wants_usage=stream and _asks_usage(fields),
        answers=_answers(fields),
        cap=max(caps) if caps else None,
        shape=_shape(len(body), fields),
    )


def _check_names(fields: Mapping[str, Raw]) -> None:
    """Refuse what would name a model, or a cap, past the ones that were looked at.

    Some servers compare names without regard to case (Go's encoding/json).
    """
    for name in fields:
        if name not in _OURS and name.casefold() in _OURS:
            raise BadRequestError(f"write '{name.casefold()}' for '{name}'", name)
    for name, reason in _NOT_SERVED.items():
        if name in fields and fields[name] != Raw(b"null"):
            raise BadRequestError(f"'{name}' is not served: {reason}", name)


def _typed(decoder: "msgspec.json.Decoder[_T]", fields: Mapping[str, Raw], name: str) -> _T | None:
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(f"'{name}': {error}", name) from error


def _integer_of(fields: Mapping[str, Raw], name: str) -> int | None:
    value: int | None = _typed(_integer, fields, name)
    if value is not None and not 1 <= value <= _MOST_CAP:
        raise BadRequestError(f"'{name}' must be between 1 and {_MOST_CAP}", name)
    return value


def _answers(fields: Mapping[str, Raw]) -> int:
    value: int | None = _typed(_integer, fields, "n")
    if value is None:
        return 1
    if not 1 <= value <= _MOST_ANSWERS:
        raise BadRequestError(f"'n' must be between 1 and {_MOST_ANSWERS}", "n")
    return value


def _asks_usage(fields: Mapping[str, Raw]) -> bool:
    options = _typed(_object_or_null, fields, "stream_options")
    if not options:
        return False
    return _typed(_boolean, options, "include_usage") or False


def _with_usage(options: Raw | None) -> Raw:
    present = (_object_or_null.decode(options) if options is not None else None) or {}
    return Raw(msgspec.json.encode({**present, "include_usage": True}))


def _shape(length: int, fields: Mapping[str, Raw]) -> InputShape:
    try:
        return input_shape(length, fields)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(f"'messages' or 'tools': {error}", "messages") from error
