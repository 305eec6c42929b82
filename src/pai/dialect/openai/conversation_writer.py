"""A conversation, written as a chat request for OpenAI or a server that follows it."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from pai.dialect.conversation import (
    Conversation,
    OutputFormat,
    Tool,
    ToolChoice,
    Written,
)
from pai.dialect.effort import effort_of
from pai.dialect.openai.quirks import calls_in_parallel, cap_field, effort_for, house, reasons
from pai.dialect.openai.turn_writer import CACHE, Messages
from pai.dialect.refused import UnsupportedError

MOST_STOPS = 4
_NO_ARGUMENTS = Raw(b'{"type":"object","properties":{}}')
_WORDS = {"auto": "auto", "none": "none", "any": "required"}


def chat_body(talk: Conversation, model: str, cap: int) -> Written:
    """Return the request. Raises UnsupportedError."""
    writer = Messages(model)
    dropped = writer.dropped
    dropped.update(talk.advisory)
    request: dict[str, object] = {"model": model, "messages": writer.write(talk)}
    request[cap_field(model)] = cap
    if talk.stream:
        request.update({"stream": True, "stream_options": {"include_usage": True}})
    if talk.answers > 1:
        request["n"] = talk.answers
    if len(talk.stops) > MOST_STOPS:
        message = f"OpenAI's chat API takes at most {MOST_STOPS} stop sequences"
        raise UnsupportedError(message, "stop")
    if talk.stops:
        request["stop"] = talk.stops
    if talk.output is not None:
        request["response_format"] = _format(talk.output)
    if talk.seed is not None:
        request["seed"] = talk.seed
    if talk.tools:
        request.update(_tools(talk, model, dropped))
    request.update(_sampling(talk, model, dropped))
    request.update(_reasoning(talk, model, dropped))
    return Written(msgspec.json.encode(request), tuple(sorted(dropped)))


def _format(output: OutputFormat) -> Mapping[str, object]:
    if not output.schema:
        return {"type": "json_object"}
    schema: dict[str, object] = {"name": output.name or "answer", "schema": output.schema}
    if output.description:
        schema["description"] = output.description
    if output.strict is not None:
        schema["strict"] = output.strict
    return {"type": "json_schema", "json_schema": schema}


def _tools(talk: Conversation, model: str, dropped: set[str]) -> Mapping[str, object]:
    """Return the tools and their choice; where only some may be called, the others are not shown.

    That tools may be called in parallel is how the API is when nothing is said.
    """
    choice = talk.tool_choice or ToolChoice("auto")
    tools = [each for each in talk.tools if not choice.names or each.name in choice.names]
    if choice.names and not tools:
        raise UnsupportedError("'tool_choice' allows tools that are not there", "tool_choice")
    written: dict[str, object] = {"tools": [_tool(each, model, dropped) for each in tools]}
    if choice.mode == "tool":
        written["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    elif talk.tool_choice is not None:
        written["tool_choice"] = _WORDS[choice.mode]
    if talk.parallel_tools is False and calls_in_parallel(model):
        written["parallel_tool_calls"] = False
    return written


def _tool(tool: Tool, model: str, dropped: set[str]) -> Mapping[str, object]:
    function: dict[str, object] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.schema if tool.schema else _NO_ARGUMENTS
    if tool.strict is not None:
        function["strict"] = tool.strict
    written: dict[str, object] = {"type": "function", "function": function}
    if tool.cache and house(model) == "anthropic":
        written[CACHE] = {"type": "ephemeral"}
    elif tool.cache:
        dropped.add(CACHE)
    return written


def _sampling(talk: Conversation, model: str, dropped: set[str]) -> Mapping[str, object]:
    """Return the sampling parameters; reasoning models of OpenAI's take none."""
    wanted = {
        "temperature": talk.temperature,
        "top_p": talk.top_p,
        "presence_penalty": talk.presence_penalty or None,
        "frequency_penalty": talk.frequency_penalty or None,
    }
    said = {name: value for name, value in wanted.items() if value is not None}
    if talk.top_k is not None:
        dropped.add("top_k")
    if reasons(model):
        dropped.update(said)
        if talk.top_logprobs is not None:
            raise UnsupportedError(f"'{model}' tells no log probabilities", "logprobs")
        return {}
    written: dict[str, object] = {**said}
    if talk.top_logprobs is not None:
        written["logprobs"] = True
        if talk.top_logprobs:
            written["top_logprobs"] = talk.top_logprobs
    return written


def _reasoning(talk: Conversation, model: str, dropped: set[str]) -> Mapping[str, object]:
    """Return the effort, for models known to take one; others would refuse the request for it."""
    wanted = talk.reasoning
    if wanted is None:
        return {}
    effort = wanted.effort
    if not effort and wanted.budget_tokens is not None:
        effort = effort_of(wanted.budget_tokens)
    if not effort:
        return {}
    level = effort_for(model, effort)
    if level:
        return {"reasoning_effort": level}
    if effort != "none":
        dropped.add("reasoning")
    return {}
