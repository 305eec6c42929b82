"""What a request means in any dialect.

Fields are read, refused or named: a field that is in none of the tables is refused, since leaving
it out could change what the request means.
"""

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL, Fields, read_body
from pai.dialect.conversation import Conversation, OutputFormat, Reasoning
from pai.dialect.effort import NO_EFFORT
from pai.dialect.gemini.contents import read_contents, read_texts
from pai.dialect.gemini.offer import read_choice, read_tools
from pai.dialect.gemini.schema import json_schema
from pai.dialect.gemini.shape import listed
from pai.dialect.gemini.spelling import in_camel_case
from pai.dialect.gemini.wire import Config, ThinkingConfig, Wish
from pai.dialect.refused import BadRequestError, UnsupportedError

_ADVISORY = frozenset({"safetySettings", "labels", "serviceTier", "store"})
_KNOWN = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "model"}
)
_CONFIG_ADVISORY = frozenset(
    {"mediaResolution", "enableEnhancedCivicAnswers", "audioTimestamp", "automaticFunctionCalling"}
)
_EMPTY = (NULL, Raw(b"{}"), Raw(b"[]"), Raw(b"false"), Raw(b'""'))
_JSON = "application/json"
_configs = msgspec.json.Decoder(Config)
_wishes = msgspec.json.Decoder(Wish)
_fields = msgspec.json.Decoder(dict[str, Raw])
_CONFIG_KNOWN = frozenset(Config.__struct_encode_fields__) | {"maxOutputTokens"}


def meaning_of(body: bytes, *, stream: bool) -> Conversation:
    """Return what a request means. Raises BadRequestError, UnsupportedError."""
    _, (fields, wish, config, given) = read_body(body, _look)
    advisory = _advice(fields, _KNOWN, _ADVISORY) | _advice(given, _CONFIG_KNOWN, _CONFIG_ADVISORY)
    if any(each.upper() != "TEXT" for each in listed(config.response_modalities)):
        raise UnsupportedError("this model's vendor answers in text only", "responseModalities")
    read = read_contents(listed(wish.contents))
    return Conversation(
        turns=read.turns,
        system=read_texts(wish.system_instruction, "systemInstruction"),
        tools=read_tools(listed(wish.tools), advisory),
        tool_choice=read_choice(wish.tool_config),
        output=_output(config),
        stops=tuple(listed(config.stop_sequences)),
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=None if config.top_k is None else int(config.top_k),
        seed=config.seed,
        presence_penalty=config.presence_penalty,
        frequency_penalty=config.frequency_penalty,
        top_logprobs=(config.logprobs or 0) if config.response_logprobs else None,
        answers=config.candidate_count or 1,
        reasoning=_reasoning(config.thinking_config),
        stream=stream,
        advisory=tuple(sorted(advisory | read.advisory)),
    )


def _look(body: bytes) -> tuple[Fields, Wish, Config, Fields]:
    camel = in_camel_case(body)
    wish = _wishes.decode(camel)
    given = wish.generation_config or {}
    fields = _fields.decode(camel)
    return fields, wish, _configs.decode(msgspec.json.encode(given)), given


def _advice(fields: Fields, known: frozenset[str], advisory: frozenset[str]) -> set[str]:
    """Return the names of the advisory fields; one that is empty asks for nothing.

    Raises UnsupportedError for what is in no table.
    """
    found = set()
    for name, value in fields.items():
        if name in known or value in _EMPTY:
            continue
        if name not in advisory:
            message = f"this model's vendor has nothing like '{name}'; leave it out"
            raise UnsupportedError(message, name)
        found.add(name)
    return found


def _output(config: Config) -> OutputFormat | None:
    kind = config.response_mime_type or ""
    schema = config.response_json_schema
    if schema == NULL:
        schema = json_schema(config.response_schema)
    if kind not in ("", "text/plain", _JSON):
        message = f"this model's vendor has no output of type '{kind}'"
        raise UnsupportedError(message, "responseMimeType")
    if schema and kind != _JSON:
        raise BadRequestError(f"a response schema needs '{_JSON}'", "responseMimeType")
    return OutputFormat(schema=schema) if kind == _JSON else None


def _reasoning(config: ThinkingConfig | None) -> Reasoning | None:
    """A budget of -1 is the model's own choice; none at all turns thinking off."""
    if config is None:
        return None
    budget, effort = config.thinking_budget, (config.thinking_level or "").lower()
    if effort == "thinking_level_unspecified":
        effort = ""
    if budget is not None and budget <= 0:
        effort = NO_EFFORT if budget == 0 else effort
        budget = None
    shown = bool(config.include_thoughts) and effort != NO_EFFORT
    if not (effort or budget is not None or shown):
        return None
    return Reasoning(effort=effort, budget_tokens=budget, shown=shown)
