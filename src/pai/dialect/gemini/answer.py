"""An answer as Google spells it, whole or a piece of a stream, and what its parts mean.

Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
"""

import re
from collections.abc import Iterable

import msgspec
from msgspec import Raw

from pai.dialect.body import NULL
from pai.dialect.reply import Stop, TokenLogprob

_NOT_OF_AN_ID = re.compile(r"[^A-Za-z0-9_-]+")
_FILTERS = frozenset(
    {
        *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"),
    }
)
_FAILURES = frozenset(
    {
        *("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
        *("MISSING_THOUGHT_SIGNATURE", "MALFORMED_RESPONSE"),
    }
)
_STOPS = {"STOP": Stop.END, "MAX_TOKENS": Stop.LENGTH, **dict.fromkeys(_FILTERS, Stop.FILTER)}


class Call(msgspec.Struct, rename="camel"):
    """args: an object."""

    name: str = ""
    id: str | None = None
    args: Raw = NULL

    @property
    def arguments(self) -> str:
        """The arguments as JSON text."""
        return "{}" if self.args == NULL else bytes(self.args).decode()


class Part(msgspec.Struct, rename="camel"):
    """One part; kinds that have no place elsewhere hold none of these."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: Call | None = None


class Content(msgspec.Struct):
    """The model's parts."""

    parts: list[Part] | None = None


class _Likely(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class _Top(msgspec.Struct):
    candidates: list[_Likely] | None = None


class Logprobs(msgspec.Struct, rename="camel"):
    """The tokens of an answer, and the likeliest ones at each place."""

    chosen_candidates: list[_Likely] | None = None
    top_candidates: list[_Top] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    """One answer, or a piece of one."""

    content: Content | None = None
    index: int = 0
    finish_reason: str | None = None
    finish_message: str | None = None
    logprobs_result: Logprobs | None = None


class Feedback(msgspec.Struct, rename="camel"):
    """block_reason: why there is no answer to the prompt."""

    block_reason: str | None = None


class Answer(msgspec.Struct, rename="camel"):
    """A whole answer, or one piece of a stream."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Raw = NULL
    model_version: str | None = None
    response_id: str | None = None
    error: Raw = NULL

    @property
    def blocked(self) -> bool:
        """Whether the vendor refused the prompt."""
        return self.prompt_feedback is not None and bool(self.prompt_feedback.block_reason)


answers = msgspec.json.Decoder(Answer)


def stop_of(reason: str, *, calls: bool) -> Stop | None:
    """Return what a `finishReason` means; None for one that says nothing. calls: there were some.

    Google says STOP for the end, for a stop sequence and for calls alike.
    """
    stop = _STOPS.get(reason)
    return Stop.TOOL if calls and stop in (None, Stop.END) else stop


def failure_of(candidate: Candidate, *, said: bool) -> str:
    """Return what went wrong with an answer that holds nothing, "" for any other. said: it does.

    A call that the model has spoiled would else look like an answer that is empty on purpose.
    """
    reason = candidate.finish_reason or ""
    if said or reason not in _FAILURES:
        return ""
    return f"the model gave no answer: {reason} {candidate.finish_message or ''}".rstrip()


def made_id(answer_id: str, choice: int, place: int) -> str:
    """Return an id for a call that came without one, told apart from those of other answers."""
    return _NOT_OF_AN_ID.sub("_", f"call_{answer_id}_{choice}_{place}")


def logprobs_of(found: Logprobs | None) -> tuple[TokenLogprob, ...]:
    """Return the likelihoods of an answer's tokens."""
    if found is None or not found.chosen_candidates:
        return ()
    tops: list[_Top] = found.top_candidates or []
    return tuple(
        TokenLogprob(each.token, each.log_probability, _pairs(tops[place : place + 1]))
        for place, each in enumerate(found.chosen_candidates)
    )


def _pairs(tops: Iterable[_Top]) -> tuple[tuple[str, float], ...]:
    return tuple(
        (each.token, each.log_probability) for top in tops for each in top.candidates or ()
    )
