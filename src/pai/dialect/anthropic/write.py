"""Write a conversation as a request to Anthropic.

What the chosen model can't do is refused where it changes the meaning, else left out and named.
"""

import msgspec

from pai.dialect.anthropic.generation import Generation, generation_of
from pai.dialect.anthropic.messages import Marks, merged, messages_of
from pai.dialect.anthropic.schema import Enforced, object_schema
from pai.dialect.anthropic.thinking import thought_of
from pai.dialect.body import MOST_CAP
from pai.dialect.conversation import (
    Conversation,
    Media,
    Part,
    Tool,
    ToolResult,
    Written,
)
from pai.dialect.refused import BadRequestError, UnsupportedError

_MOST_STRICT = 20  # more strict tools than this Anthropic refuses
_Fields = dict[str, object]


def write_request(conversation: Conversation, model: str, cap: int) -> Written:
    """Return the request for the next turn. Raises UnsupportedError naming the field."""
    fields, dropped, generation = _prompt(conversation, model, cap)
    fields["max_tokens"] = cap
    if conversation.stops:
        fields["stop_sequences"] = _stops(conversation.stops)
    fields.update(_sampling(conversation, generation, dropped))
    if conversation.stream:
        fields["stream"] = True
    return _written(fields, dropped)


def count_request(conversation: Conversation, model: str) -> Written:
    """Return the request to count a conversation. Raises UnsupportedError naming the field."""
    fields, dropped, _ = _prompt(conversation, model, MOST_CAP)
    return _written(fields, dropped)


def _written(fields: _Fields, dropped: set[str]) -> Written:
    return Written(msgspec.json.encode(fields), tuple(sorted(dropped)))


def _prompt(
    conversation: Conversation, model: str, cap: int
) -> tuple[_Fields, set[str], Generation]:
    """Return the fields that make the prompt, what is left out, and what the model takes."""
    generation = generation_of(model)
    turns = merged(conversation.turns)
    conversation = msgspec.structs.replace(conversation, turns=turns)
    _check(conversation, generation)
    dropped, marks = set(conversation.advisory), Marks()
    fields: _Fields = {"model": model}
    tools = [_tool(each, marks) for each in _allowed(conversation)]
    _make_strict(tools, conversation, generation, dropped)
    system = [
        marks.put({"type": "text", "text": each.text}, cache=each.cache)
        for each in conversation.system
        if each.text.strip()
    ]
    if system:
        fields["system"] = system
    fields["messages"] = messages_of(turns, marks)
    if tools:
        fields["tools"] = tools
        fields.update(_choice(conversation))
    thought = thought_of(conversation, generation, cap)
    if thought.thinking is not None:
        fields["thinking"] = thought.thinking
    config: _Fields = {} if thought.effort is None else {"effort": thought.effort}
    if conversation.output is not None:
        enforced = Enforced("response_format")
        schema = enforced.turn(conversation.output.schema)
        if conversation.output.description:
            schema.setdefault("description", conversation.output.description)
        config["format"] = {"type": "json_schema", "schema": schema}
        dropped |= enforced.told
    if config:
        fields["output_config"] = config
    if thought.dropped:
        dropped.add("reasoning")
    if any(_has_detail(part) for turn in turns for part in turn.parts):
        dropped.add("detail")
    if marks.trim():
        dropped.add("cache_control")
    return fields, dropped, generation


def _check(conversation: Conversation, generation: Generation) -> None:
    """Refuse what Anthropic, or the model, lacks. Raises UnsupportedError."""
    if conversation.answers > 1:
        raise UnsupportedError("Anthropic gives one answer to a request, no more", "n")
    if conversation.top_logprobs is not None:
        raise UnsupportedError("Anthropic gives no log probabilities", "logprobs")
    if not conversation.turns:
        raise UnsupportedError("Anthropic wants at least one message that says something")
    if conversation.turns[-1].role == "assistant" and not generation.continues:
        raise UnsupportedError(
            "this model doesn't go on from the beginning of an answer; end with a user's message",
            "messages",
        )
    choice = conversation.tool_choice
    if choice is not None and choice.mode in ("any", "tool") and not generation.forces:
        raise UnsupportedError("this model can't be made to call a tool", "tool_choice")
    output = conversation.output
    if output is not None and not output.schema:
        raise UnsupportedError("Anthropic enforces a JSON schema only; give one", "response_format")
    if output is not None and not generation.shapes:
        raise UnsupportedError("this model can't keep to a JSON schema", "response_format")


def _has_detail(part: Part) -> bool:
    """Return whether an image's resolution is asked for; Anthropic decides on that itself."""
    pieces = part.parts if isinstance(part, ToolResult) else (part,)
    return any(isinstance(each, Media) and each.detail not in ("", "auto") for each in pieces)


def _allowed(conversation: Conversation) -> tuple[Tool, ...]:
    """Return the tools that may be called: those of the choice, if it names some."""
    choice = conversation.tool_choice
    if choice is None or not choice.names:
        return conversation.tools
    return tuple(tool for tool in conversation.tools if tool.name in choice.names)


def _tool(tool: Tool, marks: Marks) -> _Fields:
    fields: _Fields = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    fields["input_schema"] = object_schema(tool.schema)
    return marks.put(fields, cache=tool.cache)


def _make_strict(
    tools: list[_Fields],
    conversation: Conversation,
    generation: Generation,
    dropped: set[str],
) -> None:
    """Have arguments kept to their schemas where the client wants it and the model can do it."""
    wanted = [
        (fields, tool)
        for fields, tool in zip(tools, _allowed(conversation), strict=True)
        if tool.strict
    ]
    if wanted and (not generation.shapes or len(wanted) > _MOST_STRICT):
        dropped.add("tools.strict")
        return
    for fields, tool in wanted:
        enforced = Enforced("tools")
        try:
            schema = enforced.turn(tool.schema)
        except BadRequestError:  # a guide it still is
            dropped.add("tools.strict")
            continue
        fields["input_schema"], fields["strict"] = schema, True
        dropped |= enforced.told


def _choice(conversation: Conversation) -> _Fields:
    choice, parallel = conversation.tool_choice, conversation.parallel_tools
    if choice is None and parallel is not False:
        return {}
    written: _Fields = {"type": "auto" if choice is None else choice.mode}
    if choice is not None and choice.mode == "tool":
        written["name"] = choice.name
    if parallel is False and written["type"] != "none":
        written["disable_parallel_tool_use"] = True
    return {"tool_choice": written}


def _stops(stops: tuple[str, ...]) -> list[str]:
    if not all(each.strip() for each in stops):
        raise UnsupportedError("Anthropic doesn't stop at whitespace alone", "stop")
    return list(stops)


def _sampling(
    conversation: Conversation, generation: Generation, dropped: set[str]
) -> dict[str, float]:
    """Return what steers the choice of tokens; names what the model doesn't let be steered."""
    lacking = (
        ("seed", conversation.seed),
        ("presence_penalty", conversation.presence_penalty or None),
        ("frequency_penalty", conversation.frequency_penalty or None),
    )
    dropped.update(name for name, value in lacking if value is not None)
    wanted: dict[str, float] = {}
    temperature, top_p = conversation.temperature, conversation.top_p
    if temperature is not None and temperature != 1.0:
        wanted["temperature"] = temperature
    if top_p is not None and top_p != 1.0:
        wanted["top_p"] = top_p
    if conversation.top_k is not None:
        wanted["top_k"] = conversation.top_k
    if not generation.samples:
        dropped.update(wanted)
        return {}
    if "temperature" in wanted and "top_p" in wanted:  # newer models take one of them
        dropped.add("top_p")
        del wanted["top_p"]
    if wanted.get("temperature", 0.0) > 1.0:  # other vendors go up to 2
        dropped.add("temperature")
        wanted["temperature"] = 1.0
    return wanted
