"""A whole answer of a chat API, read: OpenAI's own and those of servers that follow it."""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.openai.answer import tokens_of
from pai.dialect.openai.endings import Logprobs, logprobs_of, stop_of
from pai.dialect.openai.errors import error_text
from pai.dialect.openai.messages import arguments_of
from pai.dialect.openai.thoughts import Detail, call_seals, thoughts_of
from pai.dialect.openai.wire import Call, FunctionCall
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Choice, Reply

UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
_NOT_OF_AN_ID = re.compile(r"[^A-Za-z0-9_-]+")


class Piece(msgspec.Struct):
    """A part of an answer's content, where a server (Mistral) answers in parts."""

    type: str = ""
    text: str | None = None
    thinking: "list[Piece] | str | None" = None


class Answer(msgspec.Struct):
    """What an answer says: a whole message, or a piece of one in a stream."""

    content: str | list[Piece] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    tool_calls: list[Call] | None = None
    function_call: FunctionCall | None = None


class _Choice(msgspec.Struct):
    message: Answer
    finish_reason: str | None = None
    stop_reason: Raw = NULL
    logprobs: Logprobs | None = None


class _Reply(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: Raw = NULL
    error: Raw = NULL


_replies = msgspec.json.Decoder(_Reply)


def read_reply(body: bytes) -> Reply:
    """Return the answer. Raises UnreadableError."""
    try:
        found = _replies.decode(body)
    except UNREADABLE as error:
        raise UnreadableError(f"it is not a chat completion: {error}") from error
    if found.error != NULL:  # OpenRouter tells of a failure under status 200
        raise UnreadableError(error_text(body) or "it is an error without a message")
    if not found.choices:
        raise UnreadableError("it holds no choices")
    answer_id = found.id or ""
    return Reply(
        id=answer_id,
        model=found.model or "",
        choices=tuple(
            _choice(each, f"{answer_id}_{place}") for place, each in enumerate(found.choices)
        ),
        tokens=tokens_of(found.usage),
    )


def _choice(choice: _Choice, name: str) -> Choice:
    message = choice.message
    thoughts, texts = split_content(message.content)
    calls = _calls(message, name)
    details = message.reasoning_details or ()
    plain = message.reasoning_content or message.reasoning or thoughts
    parts: list[Text | Thinking | ToolCall] = [
        *thoughts_of(details, plain, [each.id for each in calls]),
        *(Text(text=each) for each in (texts, message.refusal) if each),
        *calls,
    ]
    sequence = sequence_of(choice.stop_reason)
    stop = stop_of(
        choice.finish_reason, calls=bool(calls), refused=bool(message.refusal), sequence=sequence
    )
    return Choice(
        parts=tuple(parts),
        stop=stop,
        sequence=sequence if stop is not None and stop.value == "sequence" else "",
        logprobs=logprobs_of(choice.logprobs),
    )


def split_content(content: str | Sequence[Piece] | None) -> tuple[str, str]:
    """Return the thoughts and the text of an answer's content."""
    if content is None or isinstance(content, str):
        return "", content or ""
    thoughts, texts = [], []
    for piece in content:
        inner = piece.thinking
        if isinstance(inner, str):
            thoughts.append(inner)
        elif inner is not None:
            thoughts.append("".join(each.text or "" for each in inner))
        elif piece.text:  # kinds that are not known have none, or one that can be read
            texts.append(piece.text)
    return "".join(thoughts), "".join(texts)


def _calls(message: Answer, name: str) -> list[ToolCall]:
    seals = call_seals(message.reasoning_details or ())
    found = []
    for place, call in enumerate(message.tool_calls or ()):
        call_id = call.id or made_id(name, place)
        made = call_of(call, call_id, call.signature or seals.get(call_id, ""))
        if made is not None:
            found.append(made)
    legacy = message.function_call
    if legacy is not None and legacy.name:
        arguments = arguments_of(legacy) or "{}"
        found.append(ToolCall(id=made_id(name, len(found)), name=legacy.name, arguments=arguments))
    return found


def call_of(call: Call, call_id: str, seal: str) -> ToolCall | None:
    """Return a whole call; None for one that is neither of a function nor of a free-form tool."""
    if call.function is not None and call.function.name:
        arguments = arguments_of(call.function) or "{}"
        made = ToolCall(id=call_id, name=call.function.name, arguments=arguments)
    elif call.custom is not None:
        name, text = call.custom.name, call.custom.input
        made = ToolCall(id=call_id, name=name, arguments=text, free_form=True)
    else:
        return None
    return msgspec.structs.replace(made, seal=seal, vendor="gemini") if seal else made


def made_id(name: str, place: int) -> str:
    """Return an id for a call that came without one, told apart from those of other answers."""
    return _NOT_OF_AN_ID.sub("_", f"call_{name}_{place}")


def sequence_of(stop_reason: Raw) -> str:
    """Return the stop sequence that was met, where a server (vLLM) tells it."""
    value = msgspec.json.decode(stop_reason)
    return value if isinstance(value, str) else ""
