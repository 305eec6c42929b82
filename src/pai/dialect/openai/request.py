"""Read a chat request as far as it matters, and write it anew with as little change as possible."""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.body import NULL, Fields, check_names, object_of, quoted, read_body
from pai.dialect.conversation import Conversation
from pai.dialect.openai.meaning import meaning_of
from pai.dialect.openai.request_shape import KNOWN, Known
from pai.dialect.openai.shape import input_shape
from pai.dialect.refused import BadRequestError

_CAPS: Final = ("max_completion_tokens", "max_tokens")
_OURS: Final = frozenset({"model", "models", "preset", "n", "stream", "stream_options", *_CAPS})
_TEXT: Final = {
    "messages",
    "stop",
    "seed",
    "user",
    "response_format",
    "metadata",
    "reasoning_effort",
}
_SAMPLING: Final = {"temperature", "top_p", "logit_bias", "presence_penalty", "frequency_penalty"}
_TOOLS: Final = {"tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"}
_READ: Final = {"model", "n", "stream", "stream_options", *_CAPS}
_USUAL: Final = frozenset(_TEXT | _SAMPLING | _TOOLS | _READ)  # nothing to look into
_NOT_SERVED: Final = {
    "models": "another model could answer than the one that was allowed; send 'model'",
    "preset": "a preset may name another model; send 'model'",
}


class ChatRequest:
    """A chat request, read; never changed.

    fields: top-level values as sent. model: None when absent. caps: the client's own output caps,
    by the spelling it used; cap: the highest of them. wants_usage: the client asked for the
    stream's usage chunk.
    """

    __slots__ = ("answers", "cap", "caps", "fields", "model", "shape", "stream", "wants_usage")

    def __init__(self, fields: Fields, known: Known, shape: InputShape) -> None:
        caps: dict[str, int] = {}
        cap, other = known.max_tokens, known.max_completion_tokens
        if cap is not None:
            caps["max_tokens"] = cap
        if other is not None:
            caps["max_completion_tokens"] = other
            if cap is None or cap < other:
                cap = other
        options = known.stream_options
        self.fields, self.model, self.shape = fields, known.model, shape
        self.stream = bool(known.stream)
        self.wants_usage = self.stream and options is not None and bool(options.include_usage)
        self.answers = known.n or 1
        self.caps: Mapping[str, int] = caps
        self.cap = cap

    def body_for(self, model: str, cap: int, cap_field: str) -> bytes:
        """Return the body to send: `model`, output cap lowered to `cap`, usage asked for.

        cap_field: spelling of the cap that the vendor takes, when the client sent none.
        """
        fields = dict(self.fields)
        fields["model"] = quoted(model)
        if not self.caps:
            fields[cap_field] = Raw(b"%d" % cap)
        for name, own in self.caps.items():
            if own > cap:
                fields[name] = Raw(b"%d" % cap)
        if self.stream and not self.wants_usage:
            fields["stream_options"] = with_usage(fields.get("stream_options", NULL))
        return msgspec.json.encode(fields)

    def meaning(self) -> Conversation:
        """Return what it means in any dialect. Raises BadRequestError, UnsupportedError."""
        return meaning_of(self.fields)


def read_request(body: bytes) -> ChatRequest:
    """Read a request. Raises BadRequestError; see `read_body`."""
    fields, (known, shape) = read_body(body, _look)
    if not fields.keys() <= _USUAL:
        check_names(fields, _OURS)
        for name, reason in _NOT_SERVED.items():
            if fields.get(name, NULL) != NULL:
                raise BadRequestError(f"'{name}' is not served: {reason}", name)
    return ChatRequest(fields, known, shape)


def _look(body: bytes) -> tuple[Known, InputShape]:
    known = KNOWN.decode(body)
    return known, input_shape(len(body), known)


def with_usage(options: Raw) -> Raw:
    """Return `stream_options` with the usage asked for."""
    present = {} if options == NULL else object_of(options)
    return Raw(msgspec.json.encode({**present, "include_usage": True}))
