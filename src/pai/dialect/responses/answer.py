"""Read a whole response of the vendor's."""

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Choice, Reply, Stop, TokenLogprob
from pai.dialect.responses.thoughts import Summary, thinking_of
from pai.dialect.responses.usage import Charged, tokens_of

_CALLS = frozenset({"function_call", "custom_tool_call"})
_REASONS = {"max_output_tokens": Stop.LENGTH, "content_filter": Stop.FILTER}
_TEXTS = frozenset({"output_text", "refusal"})


class Likely(msgspec.Struct):
    """A token and how likely it was."""

    token: str = ""
    logprob: float = 0.0
    top_logprobs: list["Likely"] | None = None


class Part(msgspec.Struct):
    """A part of a message."""

    type: str = ""
    text: str = ""
    refusal: str = ""
    logprobs: list[Likely] | None = None


class OutputItem(msgspec.Struct):
    """An item of the output, as far as some dialect has a place for it."""

    type: str = ""
    content: list[Part] | None = None
    summary: list[Summary] | None = None
    encrypted_content: str | None = None
    call_id: str = ""
    name: str = ""
    namespace: str | None = None
    arguments: str = ""
    input: str = ""


class _Error(msgspec.Struct):
    code: str | None = None
    message: str = ""


class _Details(msgspec.Struct):
    reason: str | None = None


class Ending(Charged):
    """How a response ended."""

    status: str | None = None
    error: _Error | None = None
    incomplete_details: _Details | None = None


class _Kind(msgspec.Struct):
    type: str = ""


class _Response(Ending):
    id: str = ""
    model: str = ""
    output: list[Raw] | None = None


_responses = msgspec.json.Decoder(_Response)
_kinds = msgspec.json.Decoder(_Kind)
_items = msgspec.json.Decoder(OutputItem)
_READ = frozenset({"message", "reasoning", *_CALLS})


def read_reply(body: bytes) -> Reply:
    """Read a whole answer. Raises UnreadableError."""
    try:
        response = _responses.decode(body)
        items = [item for raw in response.output or () if (item := item_of(raw)) is not None]
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UnreadableError(f"the answer is no response: {error}") from error
    if response.status == "failed":
        raise UnreadableError(failure_of(response))
    parts: list[Text | Thinking | ToolCall] = []
    refused, logprobs = False, list[TokenLogprob]()
    for item in items:
        parts.extend(_parts(item))
        for part in item.content or ():
            refused = refused or (part.type == "refusal" and item.type == "message")
            logprobs += likely(part.logprobs)
    calls = any(isinstance(part, ToolCall) for part in parts)
    stop = stop_of(response, calls=calls, refused=refused)
    choice = Choice(parts=tuple(parts), stop=stop, logprobs=tuple(logprobs))
    return Reply(
        id=response.id, model=response.model, choices=(choice,), tokens=tokens_of(response)
    )


def item_of(raw: Raw) -> OutputItem | None:
    """Return an item; None for one of a kind that is not read. Raises msgspec.DecodeError."""
    return _items.decode(raw) if _kinds.decode(raw).type in _READ else None


def call_of(item: OutputItem) -> ToolCall:
    """Return the call that an item makes."""
    if item.type == "custom_tool_call":
        return ToolCall(id=item.call_id, name=item.name, arguments=item.input, free_form=True)
    return ToolCall(id=item.call_id, name=item.name, arguments=item.arguments or "{}")


def thoughts_of(item: OutputItem) -> Thinking | None:
    """Return the thoughts in a reasoning item; None for nothing."""
    summary = item.summary or [Summary(part.text) for part in item.content or ()]
    return thinking_of(summary, NULL, item.encrypted_content, "output")


def stop_of(ending: Ending, *, calls: bool, refused: bool) -> Stop | None:
    """Return why the model stopped; None for a reason that is not known."""
    if ending.incomplete_details is not None:
        return _REASONS.get(ending.incomplete_details.reason or "")
    if ending.status == "incomplete":
        return None
    if refused:
        return Stop.REFUSAL
    return Stop.TOOL if calls else Stop.END


def failure_of(ending: Ending) -> str:
    """Return the vendor's word on a response that failed."""
    message = ending.error.message if ending.error is not None else ""
    return message or "the vendor says that it failed, and not why"


def likely(logprobs: list[Likely] | None) -> tuple[TokenLogprob, ...]:
    """Return log probabilities."""
    return tuple(
        TokenLogprob(
            each.token,
            each.logprob,
            tuple((top.token, top.logprob) for top in each.top_logprobs or ()),
        )
        for each in logprobs or ()
    )


def _parts(item: OutputItem) -> list[Text | Thinking | ToolCall]:
    if item.type in _CALLS:
        return [call_of(item)]
    if item.type == "reasoning":
        thinking = thoughts_of(item)
        return [] if thinking is None else [thinking]
    return [
        Text(text=part.text or part.refusal) for part in item.content or () if part.type in _TEXTS
    ]
