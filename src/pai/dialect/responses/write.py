"""A conversation, written as a request that leaves nothing stored and gets the reasoning back.

Source: https://platform.openai.com/docs/guides/reasoning (encrypted reasoning items)
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from pai.dialect.conversation import Conversation, OutputFormat, Tool, ToolChoice, Written
from pai.dialect.effort import effort_of
from pai.dialect.openai import effort_for, reasons
from pai.dialect.openai.quirks import calls_in_parallel
from pai.dialect.refused import UnsupportedError
from pai.dialect.responses.turns_out import CACHE, ItemWriter

_NO_ARGUMENTS = Raw(b'{"type":"object","properties":{}}')
_WORDS = {"auto": "auto", "none": "none", "any": "required"}
_JOINT = "\n\n"


def request_body(talk: Conversation, model: str, cap: int) -> Written:
    """Return the request. Raises UnsupportedError."""
    if talk.stops:
        raise UnsupportedError("OpenAI's Responses API has no stop sequences", "stop")
    if talk.answers > 1:
        raise UnsupportedError("OpenAI's Responses API gives one answer", "n")
    writer = ItemWriter()
    dropped = writer.dropped
    dropped.update(talk.advisory)
    request: dict[str, object] = {
        "model": model,
        "input": writer.write(talk.turns),
        "max_output_tokens": cap,
        "store": False,
    }
    if talk.system:
        request["instructions"] = _JOINT.join(each.text for each in talk.system)
        if any(each.cache for each in talk.system):
            dropped.add(CACHE)
    if talk.stream:
        request["stream"] = True
    if talk.output is not None:
        request["text"] = {"format": _format(talk.output)}
    if talk.tools:
        request.update(_tools(talk, model, dropped))
    _drop_sampling(talk, dropped)
    if reasons(model):
        request.update(_reasoning(talk, model, dropped))
        dropped.update(_sampling(talk))
    else:
        request.update(_plain(talk, dropped))
    return Written(msgspec.json.encode(request), tuple(sorted(dropped)))


def _format(output: OutputFormat) -> Mapping[str, object]:
    if not output.schema:
        return {"type": "json_object"}
    form: dict[str, object] = {"type": "json_schema", "name": output.name or "answer"}
    if output.description:
        form["description"] = output.description
    if output.strict is not None:
        form["strict"] = output.strict
    return {**form, "schema": output.schema}


def _tools(talk: Conversation, model: str, dropped: set[str]) -> Mapping[str, object]:
    choice = talk.tool_choice
    written: dict[str, object] = {"tools": [_tool(each) for each in talk.tools]}
    if any(each.cache for each in talk.tools):
        dropped.add(CACHE)
    if choice is not None:
        written["tool_choice"] = _choice(choice)
    if talk.parallel_tools is not None and calls_in_parallel(model):
        written["parallel_tool_calls"] = talk.parallel_tools
    return written


def _tool(tool: Tool) -> Mapping[str, object]:
    """Return a function. What nobody called strict is not: here that is not the default."""
    function: dict[str, object] = {"type": "function", "name": tool.name}
    if tool.description:
        function["description"] = tool.description
    schema = tool.schema if tool.schema else _NO_ARGUMENTS
    return {**function, "parameters": schema, "strict": bool(tool.strict)}


def _choice(choice: ToolChoice) -> object:
    if choice.mode == "tool":
        return {"type": "function", "name": choice.name}
    word = _WORDS[choice.mode]
    if not choice.names:
        return word
    tools = [{"type": "function", "name": name} for name in choice.names]
    return {"type": "allowed_tools", "mode": word, "tools": tools}


def _drop_sampling(talk: Conversation, dropped: set[str]) -> None:
    """Name the sampling parameters that this API lacks."""
    lacking = {
        "top_k": talk.top_k,
        "seed": talk.seed,
        "presence_penalty": talk.presence_penalty or None,
        "frequency_penalty": talk.frequency_penalty or None,
    }
    dropped.update(name for name, value in lacking.items() if value is not None)


def _sampling(talk: Conversation) -> dict[str, object]:
    """Return the sampling parameters; reasoning models take none."""
    wanted: dict[str, object] = {}
    if talk.temperature is not None:
        wanted["temperature"] = talk.temperature
    if talk.top_p is not None:
        wanted["top_p"] = talk.top_p
    return wanted


def _plain(talk: Conversation, dropped: set[str]) -> Mapping[str, object]:
    """Return what a model that does not reason takes."""
    written = _sampling(talk)
    if talk.top_logprobs is not None:
        written["include"] = ["message.output_text.logprobs"]
        written["top_logprobs"] = talk.top_logprobs
    wanted = talk.reasoning
    if wanted is not None and wanted.effort != "none":
        dropped.add("reasoning")
    return written


def _reasoning(talk: Conversation, model: str, dropped: set[str]) -> Mapping[str, object]:
    """Return the wish for thoughts; those that aren't shown come sealed all the same."""
    if talk.top_logprobs is not None:
        raise UnsupportedError(f"'{model}' tells no log probabilities", "logprobs")
    written: dict[str, object] = {"include": ["reasoning.encrypted_content"]}
    wanted = talk.reasoning
    if wanted is None:
        return written
    effort = wanted.effort
    if not effort and wanted.budget_tokens is not None:
        effort = effort_of(wanted.budget_tokens)
    level = effort_for(model, effort)
    if effort and not level:
        dropped.add("reasoning")
    said = {"effort": level} if level else {}
    if wanted.shown:
        said["summary"] = "auto"
    return {**written, "reasoning": said} if said else written
