"""Read a Messages request as far as it matters, and write it anew with little change."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Raw

from pai.budget.estimate import InputShape
from pai.dialect.anthropic.errors import THREAD
from pai.dialect.anthropic.meaning import meaning_of
from pai.dialect.anthropic.shape import Counted, ToolHead, input_shape
from pai.dialect.body import MOST_CAP, NULL, check_names, object_of, quoted, read_body
from pai.dialect.conversation import Conversation
from pai.dialect.refused import BadRequestError, UnsupportedError

LEAST_THINKING = 1_024
_NO_THREAD = (NULL, Raw(b"false"))
_READ = frozenset({"model", "max_tokens", "stream", "thinking", "tools", "messages"})
_OURS = _READ | {"fallbacks"}
_USUAL = _READ | {  # nothing to look into
    *("system", "tool_choice", "metadata", "output_config", "context_management"),
    *("temperature", "top_p", "top_k", "stop_sequences", "service_tier"),
}


class _Thinking(msgspec.Struct):
    budget_tokens: int | None = None


class _Known(Counted):
    """What is looked at, checked in the one pass that reads it."""

    model: str | None = None
    stream: bool | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=0, le=MOST_CAP)] | None = None
    thinking: _Thinking | None = None


_known = msgspec.json.Decoder(_Known)


class MessagesRequest(msgspec.Struct, frozen=True):
    """A Messages request, read; see `pai.dialect.sides.Reading`.

    budget: tokens for thinking, part of the cap; None when the client named none.
    """

    body: bytes
    fields: Mapping[str, Raw]
    model: str | None
    stream: bool
    cap: int | None
    budget: int | None
    shape: InputShape
    answers: int = 1
    wants_usage: bool = True

    def body_for(self, model: str, cap: int, cap_field: str) -> bytes:
        """Return the body to send: `model`, output cap lowered to `cap`, and thinking within it.

        cap_field: there is only one spelling.
        """
        fields = dict(self.fields)
        fields["model"] = quoted(model)
        if self.cap is None or self.cap > cap:
            fields["max_tokens"] = Raw(b"%d" % cap)
            if self.budget is not None and self.budget >= cap:
                fields["thinking"] = _within(fields["thinking"], cap)
        return msgspec.json.encode(fields)

    def meaning(self) -> Conversation:
        """Return what it means. Raises BadRequestError, UnsupportedError."""
        if self.cap == 0:
            raise UnsupportedError(
                "max_tokens 0 only fills Anthropic's prompt cache; ask for an answer", "max_tokens"
            )
        return meaning_of(self.body, self.fields)


class CountRequest(msgspec.Struct, frozen=True):
    """A request to count a prompt: a Messages request that wants no answer."""

    body: bytes
    fields: Mapping[str, Raw]
    model: str | None
    shape: InputShape

    def count_body_for(self, model: str) -> bytes:
        """Return the body to send to Anthropic."""
        return msgspec.json.encode({**self.fields, "model": quoted(model)})

    def meaning(self) -> Conversation:
        """Return what it means. Raises BadRequestError, UnsupportedError."""
        return meaning_of(self.body, self.fields)


def read_request(body: bytes) -> MessagesRequest:
    """Read a request. Raises BadRequestError."""
    fields, known = _read(body)
    budget = None if known.thinking is None else known.thinking.budget_tokens
    shape = input_shape(len(body), known)
    stream = bool(known.stream)
    return MessagesRequest(body, fields, known.model, stream, known.max_tokens, budget, shape)


def read_count(body: bytes) -> CountRequest:
    """Read a request to count. Raises BadRequestError."""
    fields, known = _read(body)
    return CountRequest(body, fields, known.model, input_shape(len(body), known))


def _read(body: bytes) -> tuple[dict[str, Raw], _Known]:
    fields, known = read_body(body, _known.decode)
    if not fields.keys() <= _USUAL:
        check_names(fields, _OURS)
        if fields.get("fallbacks", NULL) != NULL:
            raise BadRequestError(
                "'fallbacks' is not served: another model could answer than the one that was"
                " allowed; send 'model'",
                "fallbacks",
            )
        if fields.get(THREAD, NULL) not in _NO_THREAD:
            # what it holds is in no budget, and all agents of one key could go on with it
            raise UnsupportedError("a thread is kept at Anthropic; send the whole one", THREAD)
    for tool in known.tools or ():
        _check_tool(tool)
    return fields, known


def _check_tool(tool: ToolHead) -> None:
    if tool.type is not None and tool.type.startswith("advisor_"):
        raise BadRequestError(
            f"tool '{tool.type}' is not served: it runs another model, past the one that was"
            " allowed",
            "tools",
        )


def _within(thinking: Raw, cap: int) -> Raw:
    """Return thinking that leaves room for an answer of `cap` tokens; none where there is none."""
    if cap <= LEAST_THINKING:
        return Raw(b'{"type":"disabled"}')
    budget = max(LEAST_THINKING, cap // 2)
    return Raw(msgspec.json.encode({**object_of(thinking), "budget_tokens": budget}))
