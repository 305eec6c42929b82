"""A whole answer of Gemini's, read, and one written for Google's clients."""

import msgspec

from pai.dialect.body import NULL
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.gemini.answer import (
    Candidate,
    answers,
    failure_of,
    logprobs_of,
    made_id,
    stop_of,
)
from pai.dialect.gemini.errors import error_text
from pai.dialect.gemini.results import own_object
from pai.dialect.gemini.seals import signature_of
from pai.dialect.gemini.usage import UNREADABLE, tokens_of, usage_of
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Choice, Reply, Stop, TokenLogprob

_SAID: dict[Stop | None, str] = {
    None: "STOP",
    Stop.END: "STOP",
    Stop.LENGTH: "MAX_TOKENS",
    Stop.TOOL: "STOP",
    Stop.SEQUENCE: "STOP",
    Stop.FILTER: "SAFETY",
    Stop.REFUSAL: "SAFETY",  # loud: clients that take text for granted look at nothing else
    Stop.PAUSE: "OTHER",
}
Piece = Text | Thinking | ToolCall
_Json = dict[str, object]


def read_reply(body: bytes) -> Reply:
    """Return the answer. Raises UnreadableError."""
    try:
        found = answers.decode(body)
    except UNREADABLE as error:
        raise UnreadableError(f"it is not an answer of Gemini's: {error}") from error
    if found.error != NULL:
        raise UnreadableError(error_text(body) or "it is an error without a message")
    answer_id, tokens = found.response_id or "", tokens_of(found.usage_metadata)
    choices = tuple(
        _choice(each, answer_id, place) for place, each in enumerate(found.candidates or ())
    )
    if found.blocked and not choices:
        choices = (Choice(stop=Stop.FILTER),)
    if not choices:
        raise UnreadableError("it holds no candidates")
    return Reply(id=answer_id, model=found.model_version or "", choices=choices, tokens=tokens)


def _choice(candidate: Candidate, answer_id: str, place: int) -> Choice:
    parts: list[Piece] = []
    calls = 0
    for part in (candidate.content.parts if candidate.content else None) or ():
        seal = part.thought_signature or ""
        call = part.function_call
        if call is not None:
            parts.append(
                ToolCall(
                    id=call.id or made_id(answer_id, place, calls),
                    name=call.name,
                    arguments=call.arguments,
                    seal=seal,
                    vendor="gemini" if seal else "",
                )
            )
            calls += 1
        elif part.thought and part.text:
            parts.append(Thinking(text=part.text, seal=seal, vendor="gemini"))
        else:
            if part.text:
                parts.append(Text(text=part.text))
            if seal:
                parts.append(Thinking(seal=seal, vendor="gemini", hidden=True))
    failure = failure_of(candidate, said=bool(parts))
    if failure:
        raise UnreadableError(failure)
    stop = stop_of(candidate.finish_reason or "", calls=calls > 0)
    return Choice(parts=tuple(parts), stop=stop, logprobs=logprobs_of(candidate.logprobs_result))


def reply_body(reply: Reply) -> bytes:
    """Return the answer."""
    body: _Json = {
        "candidates": [_candidate(each, place) for place, each in enumerate(reply.choices)],
        "modelVersion": reply.model,
        "responseId": reply.id,
    }
    if reply.tokens is not None:
        body["usageMetadata"] = usage_of(reply.tokens)
    return msgspec.json.encode(body)


def _candidate(choice: Choice, place: int) -> _Json:
    parts = [part_of(each) for each in choice.parts] or [{"text": ""}]
    candidate: _Json = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": finish_reason(choice.stop),
        "index": place,
    }
    if choice.logprobs:
        candidate.update(likely(choice.logprobs))
    return candidate


def finish_reason(stop: Stop | None) -> str:
    """Return the `finishReason`."""
    return _SAID[stop]


def part_of(part: Piece) -> _Json:
    """Return one part of an answer, its seal in it."""
    shown: _Json
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, ToolCall):
        arguments = None if part.free_form else own_object(part.arguments)
        given: object = {"input": part.arguments} if arguments is None else arguments
        shown = {"functionCall": {"id": part.id, "name": part.name, "args": given}}
    else:
        shown = {"text": part.text}
        if part.text or part.vendor != "gemini":  # else it is the signature of a text
            shown["thought"] = True
    signature = signature_of(part)
    if signature:
        shown["thoughtSignature"] = signature
    return shown


def likely(found: tuple[TokenLogprob, ...]) -> _Json:
    """Return the log probabilities of a candidate's tokens."""
    chosen = [{"token": each.token, "logProbability": each.logprob} for each in found]
    tops = [
        {"candidates": [{"token": token, "logProbability": value} for token, value in each.top]}
        for each in found
    ]
    mean = sum(each.logprob for each in found) / len(found)
    return {
        "avgLogprobs": mean,
        "logprobsResult": {"chosenCandidates": chosen, "topCandidates": tops},
    }
