"""Read a chat request as far as it matters, and write it anew with as little change as possible.

Values that are not ours to change stay byte for byte what the client sent. A key that is given
twice counts once, with its last value: what was looked at is what is sent.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.openai.shape import NULL, Counted, input_shape

_CAPS = ("max_completion_tokens", "max_tokens")
_MOST_ANSWERS = 128
_MOST_CAP = 2**31 - 1
_OURS = frozenset({"model", "models", "preset", "n", "stream", "stream_options", *_CAPS})
_TEXT = {"messages", "stop", "seed", "user", "response_format", "metadata", "reasoning_effort"}
_SAMPLING = {"temperature", "top_p", "logit_bias", "presence_penalty", "frequency_penalty"}
_TOOLS = {"tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"}
_READ = {"model", "n", "stream", "stream_options", *_CAPS}
_USUAL = frozenset(_TEXT | _SAMPLING | _TOOLS | _READ)  # nothing to look into
_NOT_SERVED = {
    "models": "another model could answer than the one that was allowed; send 'model'",
    "preset": "a preset may name another model; send 'model'",
}


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Known(Counted):
    """What is looked at, checked in the one pass that reads it."""

    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=_MOST_ANSWERS)] | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=_MOST_CAP)] | None = None
    max_completion_tokens: Annotated[int, msgspec.Meta(ge=1, le=_MOST_CAP)] | None = None


_object = msgspec.json.Decoder(dict[str, Raw])
_known = msgspec.json.Decoder(_Known)
_PATH = re.compile(r" - at `\$\.?(\w*)")


class BadRequestError(Exception):
    """The client's request can't be served as written. param: the field at fault."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class ChatRequest(msgspec.Struct, frozen=True):
    """A chat request, read.

    fields: top-level values as sent. model: None when absent. caps: the client's own output caps,
    by the spelling it used; cap: the highest of them. wants_usage: the client asked for the
    stream's usage chunk.
    """

    fields: Mapping[str, Raw]
    model: str | None
    stream: bool
    wants_usage: bool
    answers: int
    caps: Mapping[str, int]
    cap: int | None
    shape: InputShape

    def body_for(self, model: str, cap: int, cap_field: str) -> bytes:
        """Return the body to send: `model`, output cap lowered to `cap`, usage asked for.

        cap_field: spelling of the cap that the vendor takes, when the client sent none.
        """
        fields = dict(self.fields)
        fields["model"] = _quoted(model)
        if not self.caps:
            fields[cap_field] = Raw(b"%d" % cap)
        for name, own in self.caps.items():
            if own > cap:
                fields[name] = Raw(b"%d" % cap)
        if self.stream and not self.wants_usage:
            fields["stream_options"] = _with_usage(fields.get("stream_options", NULL))
        return msgspec.json.encode(fields)


@lru_cache(maxsize=1024)
def _quoted(model: str) -> Raw:
    return Raw(msgspec.json.encode(model))


def read_request(body: bytes) -> ChatRequest:
    """Read a request. Raises BadRequestError for anything that is not a JSON object of the shape.

    NaN, invalid UTF-8 and nesting deeper than a thousand levels are refused too: two parsers might
    read them differently.
    """
    try:
        body.decode()  # Raw values are not looked into
        fields = _object.decode(body)
        known = _known.decode(body)
        shape = input_shape(len(body), known)
    except UnicodeDecodeError as error:
        raise BadRequestError("the body is not valid UTF-8") from error
    except RecursionError as error:
        raise BadRequestError("the body is nested too deeply") from error
    except msgspec.ValidationError as error:
        place = _PATH.search(str(error))
        raise BadRequestError(str(error), place[1] or None if place else None) from error
    except msgspec.DecodeError as error:
        raise BadRequestError(f"the body is not a JSON object: {error}") from error
    if not fields.keys() <= _USUAL:
        _check_names(fields)
    caps = {}
    if known.max_tokens is not None:
        caps["max_tokens"] = known.max_tokens
    if known.max_completion_tokens is not None:
        caps["max_completion_tokens"] = known.max_completion_tokens
    options = known.stream_options
    stream = bool(known.stream)
    return ChatRequest(
        fields,
        known.model,
        stream,
        stream and options is not None and bool(options.include_usage),
        known.n or 1,
        caps,
        max(caps.values()) if caps else None,
        shape,
    )


def _check_names(fields: Mapping[str, Raw]) -> None:
    """Refuse what would name a model, or a cap, past the ones that were looked at.

    Some servers compare names without regard to case (Go's encoding/json).
    """
    for name in fields:
        if name not in _OURS and name.casefold() in _OURS:
            raise BadRequestError(f"write '{name.casefold()}' for '{name}'", name)
    for name, reason in _NOT_SERVED.items():
        if fields.get(name, NULL) != NULL:
            raise BadRequestError(f"'{name}' is not served: {reason}", name)


def _with_usage(options: Raw) -> Raw:
    present = {} if options == NULL else _object.decode(options)
    return Raw(msgspec.json.encode({**present, "include_usage": True}))
