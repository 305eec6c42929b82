"""What a Responses request means, for a vendor of another dialect."""

from typing import TypeVar

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL, Fields
from pai.dialect.conversation import Conversation, OutputFormat, Reasoning, Text
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.responses.fields import ADVISORY, SERVED
from pai.dialect.responses.items import read_input
from pai.dialect.responses.tools import choice_of, offered

_ENCRYPTED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"
_EMPTY = (NULL, Raw(b"{}"), Raw(b"[]"), Raw(b'""'))
_T = TypeVar("_T")


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    context: str | None = None
    mode: str | None = None


class _Format(msgspec.Struct):
    type: str = "text"
    name: str = ""
    description: str | None = None
    schema: Raw = Raw(b"")
    strict: bool | None = None


class _Text(msgspec.Struct):
    format: _Format | None = None
    verbosity: str | None = None


class _CacheOptions(msgspec.Struct):
    prewarm: bool | None = None


_reasoning = msgspec.json.Decoder(_Reasoning)
_text = msgspec.json.Decoder(_Text)
_cache_options = msgspec.json.Decoder(_CacheOptions)
_strings = msgspec.json.Decoder(list[str])
_string = msgspec.json.Decoder(str)
_number = msgspec.json.Decoder(float)
_whole = msgspec.json.Decoder(int)
_flag = msgspec.json.Decoder(bool)


def conversation(fields: Fields, state: str, *, stream: bool) -> Conversation:
    """Return the request's meaning; state: the field that leans on what a vendor has stored.

    Raises BadRequestError, UnsupportedError.
    """
    if state:
        raise UnsupportedError(
            f"'{state}' needs what OpenAI has stored; send the whole input with store: false", state
        )
    dropped = _advisory(fields)
    offer = offered(fields)
    inputs = read_input(fields.get("input", NULL))
    dropped |= inputs.dropped
    instructions = _get(fields, "instructions", _string)
    return Conversation(
        turns=tuple(inputs.turns),
        system=(*((Text(text=instructions),) if instructions else ()), *inputs.system),
        tools=offer.tools,
        tool_choice=choice_of(fields, offer),
        parallel_tools=_get(fields, "parallel_tool_calls", _flag) if offer.tools else None,
        output=_output(fields, dropped),
        temperature=_get(fields, "temperature", _number),
        top_p=_get(fields, "top_p", _number),
        top_logprobs=_logprobs(fields, dropped),
        reasoning=_thought(fields, dropped),
        stream=stream,
        advisory=tuple(sorted(dropped.union(offer.dropped))),
    )


def _get(fields: Fields, name: str, decoder: msgspec.json.Decoder[_T]) -> _T | None:
    sent = fields.get(name, NULL)
    if sent == NULL:
        return None
    try:
        return decoder.decode(sent)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequestError(f"{name}: {error}", name) from error


def _advisory(fields: Fields) -> set[str]:
    """Return the names of advice that was given; refuse what is neither advice nor known."""
    dropped = set()
    for name, value in fields.items():
        if name in SERVED or value in _EMPTY:
            continue
        if name == "background":
            continue  # only `false` gets as far as here
        if name not in ADVISORY:
            raise UnsupportedError(f"'{name}' has no translation for this model's vendor", name)
        dropped.add(name)
    options = _get(fields, "prompt_cache_options", _cache_options)
    if options is not None and options.prewarm:
        name = "prompt_cache_options"
        raise UnsupportedError(f"{name}: only OpenAI can warm a cache without an answer", name)
    if _get(fields, "store", _flag):
        dropped.add("store")
    if _get(fields, "truncation", _string) == "auto":
        dropped.add("truncation")
    return dropped


def _output(fields: Fields, dropped: set[str]) -> OutputFormat | None:
    text = _get(fields, "text", _text)
    if text is None:
        return None
    if text.verbosity is not None:
        dropped.add("text.verbosity")
    form = text.format
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return OutputFormat()
    if form.type == "json_schema":
        return OutputFormat(
            schema=form.schema,
            name=form.name,
            description=form.description or "",
            strict=form.strict,
        )
    raise UnsupportedError(f"text.format: '{form.type}' has no translation", "text")


def _logprobs(fields: Fields, dropped: set[str]) -> int | None:
    wanted = _get(fields, "include", _strings) or []
    if any(name not in (_ENCRYPTED, _LOGPROBS) for name in wanted):
        dropped.add("include")
    top = _get(fields, "top_logprobs", _whole) or 0
    return top if _LOGPROBS in wanted or top else None


def _thought(fields: Fields, dropped: set[str]) -> Reasoning | None:
    sent = _get(fields, "reasoning", _reasoning)
    if sent is None:
        return None
    if sent.context not in (None, "auto"):
        dropped.add("reasoning.context")
    if sent.mode not in (None, "standard"):
        dropped.add("reasoning.mode")
    shown = bool(sent.summary or sent.generate_summary)
    return Reasoning(effort=sent.effort or "", shown=shown) if sent.effort or shown else None
