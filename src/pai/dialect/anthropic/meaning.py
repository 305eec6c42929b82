"""From a client's Messages request to what it means."""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Raw

from pai.dialect.anthropic.blocks import TextBlock
from pai.dialect.anthropic.turns import read_turns, text_of
from pai.dialect.body import NULL, object_of
from pai.dialect.conversation import (
    Conversation,
    OutputFormat,
    Reasoning,
    Text,
    Tool,
    ToolChoice,
)
from pai.dialect.effort import EFFORTS, NO_EFFORT
from pai.dialect.refused import BadRequestError, UnsupportedError

_ADVISORY = frozenset(
    {
        *("metadata", "service_tier", "context_management", "cache_control", "diagnostics"),
        *("inference_geo", "speed", "betas", "user_profile_id", "workspace_id"),
        *("billing_policy", "fallback_credit_token"),
    }
)
_READ = frozenset(
    {
        *("model", "max_tokens", "messages", "system", "tools", "tool_choice", "stream"),
        *("stop_sequences", "temperature", "top_p", "top_k", "thinking"),
        *("output_config", "output_format"),
        "thread",  # not read either: only `false` gets as far as here
    }
)
_REFUSED = {
    "container": "a container is Anthropic's own",
    "mcp_servers": "tools of MCP servers are called by Anthropic only",
    "compaction": "only Anthropic makes summaries of this kind",
}
# Says which client it is, in the place of an instruction; its hash would change every prompt.
_ATTRIBUTION = re.compile(r"x-anthropic-billing-header:(?: \w+=[^;\n]*;)+\s*\Z")
_NOTHING = (NULL, Raw(b"[]"))


class _Tool(msgspec.Struct):
    type: str | None = None
    name: str = ""
    description: str | None = None
    input_schema: Raw = NULL
    strict: bool | None = None
    cache_control: dict[str, Raw] | None = None
    defer_loading: bool | None = None
    eager_input_streaming: bool | None = None
    input_examples: list[Raw] | None = None
    allowed_callers: list[str] | None = None


class _Choice(msgspec.Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class _Thinking(msgspec.Struct):
    type: Literal["enabled", "adaptive", "disabled", "between_tools"]
    budget_tokens: int | None = None
    display: str | None = None


class _Format(msgspec.Struct):
    type: Literal["json_schema"]
    schema: Raw
    name: str | None = None


class _OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: _Format | None = None


class _Wanted(msgspec.Struct):
    messages: Raw
    system: str | list[TextBlock] | None = None
    tools: list[_Tool] | None = None
    tool_choice: _Choice | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    thinking: _Thinking | None = None
    output_config: _OutputConfig | None = None
    output_format: _Format | None = None
    stream: bool | None = None


_wanted = msgspec.json.Decoder(_Wanted)
_TOOL_ADVICE = ("defer_loading", "eager_input_streaming", "input_examples")


def meaning_of(body: bytes, fields: Mapping[str, Raw]) -> Conversation:
    """Return what a request means. fields: its top-level values.

    Raises BadRequestError, UnsupportedError.
    """
    advisory = _advisory(fields)
    try:
        wanted = _wanted.decode(body)
        read = read_turns(wanted.messages)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadRequestError(str(error)) from error
    advisory |= read.advisory
    choice, config = wanted.tool_choice, wanted.output_config or _OutputConfig()
    return Conversation(
        turns=tuple(read.turns),
        system=(*_system(wanted.system, advisory), *read.system),
        tools=tuple(_tool(each, advisory) for each in wanted.tools or ()),
        tool_choice=None if choice is None else ToolChoice(choice.type, choice.name),
        parallel_tools=False if choice is not None and choice.disable_parallel_tool_use else None,
        output=_output(config.format or wanted.output_format),
        stops=tuple(wanted.stop_sequences or ()),
        temperature=wanted.temperature,
        top_p=wanted.top_p,
        top_k=wanted.top_k,
        reasoning=_reasoning(wanted.thinking, config.effort),
        stream=bool(wanted.stream),
        advisory=tuple(sorted(advisory)),
    )


def _advisory(fields: Mapping[str, Raw]) -> set[str]:
    """Return the names of fields that are advice. Raises UnsupportedError for what is more."""
    advisory = set()
    for name, value in fields.items():
        if name in _READ or value in _NOTHING:
            continue
        if name not in _ADVISORY:
            why = _REFUSED.get(name, "no other vendor is known to have it")
            raise UnsupportedError(f"'{name[:64]}' has no meaning here: {why}", name[:64])
        advisory.add(name)
    config = fields.get("output_config", NULL)
    if bytes(config).startswith(b"{"):
        known = {"effort", "format"}
        advisory |= {
            f"output_config.{name[:64]}" for name in object_of(config) if name not in known
        }
    return advisory


def _system(system: str | list[TextBlock] | None, advisory: set[str]) -> list[Text]:
    if isinstance(system, str):
        return [Text(text=system)] if system else []
    found = []
    for each in system or ():
        if _ATTRIBUTION.match(each.text):
            advisory.add("x-anthropic-billing-header")
        else:
            found.append(text_of(each, advisory))
    return found


def _tool(tool: _Tool, advisory: set[str]) -> Tool:
    if tool.type not in (None, "custom"):
        kind = (tool.type or "")[:64]
        raise UnsupportedError(f"tool '{kind}' is Anthropic's own: no other vendor has it", "tools")
    if tool.allowed_callers is not None:
        if "direct" not in tool.allowed_callers:
            raise UnsupportedError("only Anthropic runs code that calls tools", "tools")
        if len(tool.allowed_callers) > 1:
            advisory.add("tools.allowed_callers")
    advisory |= {f"tools.{name}" for name in _TOOL_ADVICE if getattr(tool, name)}
    return Tool(
        name=tool.name,
        description=tool.description or "",
        schema=Raw(b"") if tool.input_schema == NULL else tool.input_schema,
        strict=tool.strict,
        cache=tool.cache_control is not None,
    )


def _output(wanted: _Format | None) -> OutputFormat | None:
    if wanted is None:
        return None
    return OutputFormat(schema=wanted.schema, name=wanted.name or "", strict=True)


def _reasoning(thinking: _Thinking | None, effort: str | None) -> Reasoning | None:
    if effort is not None and (effort not in EFFORTS or effort == NO_EFFORT):
        raise BadRequestError(f"output_config: there is no effort '{effort[:64]}'", "output_config")
    if thinking is None:
        return None if effort is None else Reasoning(effort=effort)
    if thinking.type in ("disabled", "between_tools"):
        return Reasoning(effort=NO_EFFORT)
    return Reasoning(
        effort=effort or "",
        budget_tokens=thinking.budget_tokens,
        shown=thinking.display != "omitted",
    )
