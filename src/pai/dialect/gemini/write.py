"""A conversation, written as a request for Gemini.

Source: https://ai.google.dev/api/generate-content
"""

from collections.abc import Iterable, Mapping

import msgspec

from pai.dialect.conversation import Conversation, OutputFormat, Tool, ToolChoice, Written
from pai.dialect.gemini.generation import Generation, generation_of, thinking_of
from pai.dialect.gemini.schema import googles, takes_arguments
from pai.dialect.gemini.turns_out import CACHE, Contents
from pai.dialect.refused import UnsupportedError

MOST_STOPS = 5
_MOST_SEED = 2**31
_MODES = {"auto": "AUTO", "none": "NONE", "any": "ANY", "tool": "ANY"}
_Json = dict[str, object]


def generate_body(talk: Conversation, model: str, cap: int) -> Written:
    """Return the request. Raises UnsupportedError naming the field."""
    ways = generation_of(model)
    fields, dropped = _prompt(talk, ways)
    fields["generationConfig"] = {"maxOutputTokens": cap, **_config(talk, ways, dropped)}
    return Written(msgspec.json.encode(fields), tuple(sorted(dropped)))


def count_request(talk: Conversation, model: str) -> Written:
    """Return the request to count a conversation. Raises UnsupportedError naming the field."""
    fields, dropped = _prompt(talk, generation_of(model))
    whole = {"model": resource_of(model), **fields}
    return Written(msgspec.json.encode({"generateContentRequest": whole}), tuple(sorted(dropped)))


def resource_of(model: str) -> str:
    """Return a model's name as bodies and paths have it: with the collection it is in."""
    return model if "/" in model else f"models/{model}"


def _prompt(talk: Conversation, ways: Generation) -> tuple[_Json, set[str]]:
    """Return the fields that make the prompt, and the names of what is left out."""
    writer = Contents(ways)
    fields: _Json = {"contents": writer.write(talk.turns)}
    dropped = writer.dropped | set(talk.advisory)
    system = [{"text": each.text} for each in talk.system if each.text]
    if system:
        fields["systemInstruction"] = {"parts": system}
    if any(each.cache for each in talk.system) or any(each.cache for each in talk.tools):
        dropped.add(CACHE)
    if talk.tools:
        fields.update(_tools(talk, dropped))
    return fields, dropped


def _tools(talk: Conversation, dropped: set[str]) -> Mapping[str, object]:
    """Return the tools and their choice; where only some may be called freely, others are hidden.

    Gemini takes a list of allowed tools only where one of them must be called.
    """
    choice = talk.tool_choice or ToolChoice("auto")
    if talk.parallel_tools is False and choice.mode != "none":
        raise UnsupportedError(
            "Gemini can't be told to call one tool at a time", "parallel_tool_calls"
        )
    hides = choice.names and choice.mode != "any"
    tools = [each for each in talk.tools if not hides or each.name in choice.names]
    if not tools:
        raise UnsupportedError("'tool_choice' allows tools that are not there", "tool_choice")
    if any(each.strict for each in tools):
        dropped.add("tools.strict")
    written: _Json = {"tools": [{"functionDeclarations": [_declaration(each) for each in tools]}]}
    if talk.tool_choice is not None:
        calling: _Json = {"mode": _MODES[choice.mode]}
        names = (choice.name,) if choice.mode == "tool" else choice.names
        if names and calling["mode"] == "ANY":
            calling["allowedFunctionNames"] = names
        written["toolConfig"] = {"functionCallingConfig": calling}
    return written


def _declaration(tool: Tool) -> _Json:
    declaration: _Json = {"name": tool.name, "description": tool.description or tool.name}
    if takes_arguments(tool.schema):
        declaration["parametersJsonSchema"] = googles(tool.schema)
    return declaration


def _config(talk: Conversation, ways: Generation, dropped: set[str]) -> _Json:
    if len(talk.stops) > MOST_STOPS:
        raise UnsupportedError(f"Gemini takes at most {MOST_STOPS} stop sequences", "stop")
    config: _Json = {}
    if talk.stops:
        config["stopSequences"] = talk.stops
    if talk.answers > 1:
        config["candidateCount"] = talk.answers
    if talk.output is not None:
        config.update(_output(talk.output, ways, tools=bool(talk.tools), dropped=dropped))
    if talk.top_logprobs is not None:
        config["responseLogprobs"] = True
        if talk.top_logprobs:
            config["logprobs"] = talk.top_logprobs
    config.update(_sampling(talk, ways, dropped))
    if talk.reasoning is not None:
        thinking = thinking_of(talk.reasoning, ways)
        if thinking is not None:
            config["thinkingConfig"] = thinking
        elif talk.reasoning.effort not in ("", "none") or talk.reasoning.budget_tokens:
            dropped.add("reasoning")
    return config


def _output(
    output: OutputFormat, ways: Generation, *, tools: bool, dropped: set[str]
) -> Iterable[tuple[str, object]]:
    if tools and not ways.mixes:
        raise UnsupportedError(
            "this Gemini model can't be held to JSON while it has tools", "response_format"
        )
    if output.strict is False:
        dropped.add("response_format.strict")
    yield "responseMimeType", "application/json"
    if output.schema:
        yield "responseJsonSchema", googles(output.schema)


def _sampling(talk: Conversation, ways: Generation, dropped: set[str]) -> _Json:
    wanted: _Json = {"temperature": talk.temperature, "topP": talk.top_p, "topK": talk.top_k}
    penalties = {
        "presence_penalty": talk.presence_penalty,
        "frequency_penalty": talk.frequency_penalty,
    }
    for name, value in penalties.items():
        if value and ways.penalties:
            wanted["presencePenalty" if name[0] == "p" else "frequencyPenalty"] = value
        elif value:
            dropped.add(name)
    if talk.seed is not None and -_MOST_SEED <= talk.seed < _MOST_SEED:
        wanted["seed"] = talk.seed
    elif talk.seed is not None:
        dropped.add("seed")
    return {name: value for name, value in wanted.items() if value is not None}
