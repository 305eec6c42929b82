"""What a chat request means in any dialect.

Fields are read, refused or named: a field that is in none of the tables is refused, since leaving
it out could change what the request means.
"""

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL, Fields, object_of, read_body
from pai.dialect.conversation import Conversation, OutputFormat, Reasoning
from pai.dialect.openai.messages import read_messages
from pai.dialect.openai.tools import Tooling, read_choice, read_tools
from pai.dialect.openai.wire import Message, ReasoningWish, ResponseFormat, ThinkingWish
from pai.dialect.refused import BadRequestError, UnsupportedError

_ADVISORY = frozenset(
    {
        *("metadata", "user", "safety_identifier", "service_tier", "store", "verbosity"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "prediction"),
        *("provider", "route", "transforms", "usage", "session_id", "trace"),  # OpenRouter's
        "cache_control",
        *("min_p", "top_a", "repetition_penalty"),  # sampling that only some servers have
    }
)
_READ_ELSEWHERE = frozenset({"model", "max_tokens", "max_completion_tokens", "models", "preset"})
_EMPTY = (NULL, Raw(b"{}"), Raw(b"[]"), Raw(b"false"), Raw(b'""'))
_SWITCHED_OFF = ("disabled", "none", "off")


class Wish(Tooling, kw_only=True):
    """All fields that mean something in other dialects."""

    messages: list[Message]
    stream: bool | None = None
    stream_options: Raw = NULL
    n: int | None = None
    response_format: ResponseFormat | None = None
    stop: str | list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    reasoning: ReasoningWish | None = None
    include_reasoning: bool | None = None
    thinking: ThinkingWish | None = None
    modalities: list[str] | None = None


_wishes = msgspec.json.Decoder(Wish)
_KNOWN = frozenset(Wish.__struct_fields__) | _READ_ELSEWHERE


def meaning_of(fields: Fields) -> Conversation:
    """Return what a request means. Raises BadRequestError, UnsupportedError."""
    advisory = set(advice_among(fields, _KNOWN, _ADVISORY))
    _, wish = read_body(msgspec.json.encode(fields), _wishes.decode)
    if any(each != "text" for each in wish.modalities or ()):
        raise UnsupportedError("this model's vendor answers in text only", "modalities")
    if "include_obfuscation" in options_of(wish.stream_options):
        advisory.add("stream_options.include_obfuscation")
    read = read_messages(wish.messages)
    if read.named:
        advisory.add("messages.name")
    return Conversation(
        turns=read.turns,
        system=read.system,
        tools=read_tools(wish),
        tool_choice=read_choice(wish),
        parallel_tools=wish.parallel_tool_calls,
        output=_output(wish.response_format),
        stops=stops_of(wish.stop),
        temperature=wish.temperature,
        top_p=wish.top_p,
        top_k=wish.top_k,
        seed=wish.seed,
        presence_penalty=wish.presence_penalty,
        frequency_penalty=wish.frequency_penalty,
        top_logprobs=_logprobs(wish),
        answers=wish.n or 1,
        reasoning=_reasoning(wish),
        stream=bool(wish.stream),
        advisory=tuple(sorted(advisory)),
    )


def advice_among(fields: Fields, known: frozenset[str], advisory: frozenset[str]) -> list[str]:
    """Return the names of the advisory fields. Raises UnsupportedError for what is in no table.

    A field that is empty, or switched off, asks for nothing.
    """
    found = []
    for name, value in fields.items():
        if name in known or value in _EMPTY:
            continue
        if name not in advisory:
            message = f"this model's vendor has nothing like '{name}'; leave it out"
            raise UnsupportedError(message, name)
        found.append(name)
    return found


def options_of(options: Raw) -> Fields:
    """Return what `stream_options` holds."""
    return {} if options == NULL else object_of(options)


def stops_of(stop: str | list[str] | None) -> tuple[str, ...]:
    """Return stop sequences; one may come without a list around it."""
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def _logprobs(wish: Wish) -> int | None:
    if wish.logprobs:
        return wish.top_logprobs or 0
    if wish.top_logprobs:
        raise BadRequestError("'top_logprobs' needs 'logprobs' to be true", "top_logprobs")
    return None


def _output(wanted: ResponseFormat | None) -> OutputFormat | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return OutputFormat()
    schema = wanted.json_schema
    if wanted.type != "json_schema":
        message = f"this model's vendor has no output of type '{wanted.type}'"
        raise UnsupportedError(message, "response_format")
    if schema is None:
        raise BadRequestError("a format of type 'json_schema' needs one", "response_format")
    return OutputFormat(
        schema=Raw(b"") if schema.schema == NULL else schema.schema,
        name=schema.name,
        description=schema.description or "",
        strict=schema.strict,
    )


def _reasoning(wish: Wish) -> Reasoning | None:
    """OpenRouter's `reasoning` outranks the rest; alone it asks for the thoughts to be shown."""
    own, thinking = wish.reasoning, wish.thinking
    effort = wish.reasoning_effort or ""
    budget = None
    if thinking is not None:
        budget = thinking.budget_tokens
        effort = "none" if thinking.type in _SWITCHED_OFF else effort
    if own is not None:
        effort = "none" if own.enabled is False else own.effort or effort
        budget = budget if own.max_tokens is None else own.max_tokens
        if own.enabled and not effort and budget is None:
            effort = "medium"
    shown = bool(wish.include_reasoning) or (own is not None and not own.exclude)
    if not effort and budget is None and not shown:
        return None
    return Reasoning(effort=effort, budget_tokens=budget, shown=shown and effort != "none")
