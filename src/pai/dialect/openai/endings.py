"""Why an answer ends and how likely its tokens were, in OpenAI's words, both ways."""

from collections.abc import Iterable, Sequence

import msgspec

from pai.dialect.reply import Stop, TokenLogprob

_SAID: dict[Stop | None, str] = {
    None: "stop",
    Stop.END: "stop",
    Stop.LENGTH: "length",
    Stop.TOOL: "tool_calls",
    Stop.SEQUENCE: "stop",
    Stop.FILTER: "content_filter",
    Stop.REFUSAL: "content_filter",  # loud: helpers that parse the answer raise for it
    Stop.PAUSE: "stop",
}
_MEANT: dict[str, Stop] = {
    "stop": Stop.END,
    "length": Stop.LENGTH,
    "tool_calls": Stop.TOOL,
    "function_call": Stop.TOOL,
    "content_filter": Stop.FILTER,
    # spellings of compatible servers
    "eos": Stop.END,
    "eos_token": Stop.END,
    "end_turn": Stop.END,
    "stop_sequence": Stop.SEQUENCE,
    "max_tokens": Stop.LENGTH,
    "model_length": Stop.LENGTH,
    "tool_use": Stop.TOOL,
}


class TopToken(msgspec.Struct):
    """One of the likeliest tokens at a place."""

    token: str
    logprob: float


class TokenLikelihood(msgspec.Struct):
    """One token of the answer."""

    token: str
    logprob: float
    top_logprobs: list[TopToken] | None = None


class Logprobs(msgspec.Struct):
    """The tokens of an answer's text."""

    content: list[TokenLikelihood] | None = None


def finish_reason(stop: Stop | None, *, calls: bool) -> str:
    """Return the `finish_reason`. calls: the answer holds tool calls."""
    if calls and stop in (None, Stop.END):
        return "tool_calls"
    return _SAID[stop]


def stop_of(reason: str | None, *, calls: bool, refused: bool, sequence: str) -> Stop | None:
    """Return what a `finish_reason` means; None for one that is not known."""
    stop = _MEANT.get(reason or "")
    if stop in (None, Stop.END):
        if calls:
            return Stop.TOOL
        if refused:
            return Stop.REFUSAL
        if sequence:
            return Stop.SEQUENCE
    return stop


def logprobs_of(found: Logprobs | None) -> tuple[TokenLogprob, ...]:
    """Return the likelihoods of an answer's tokens."""
    if found is None or not found.content:
        return ()
    return tuple(
        TokenLogprob(
            each.token,
            each.logprob,
            tuple((top.token, top.logprob) for top in each.top_logprobs or ()),
        )
        for each in found.content
    )


def logprobs_shown(found: Sequence[TokenLogprob]) -> dict[str, object] | None:
    """Return the `logprobs` of a choice; None when there are none."""
    if not found:
        return None
    content = [
        {**_likely(each.token, each.logprob), "top_logprobs": _tops(each.top)} for each in found
    ]
    return {"content": content, "refusal": None}


def _tops(tops: Iterable[tuple[str, float]]) -> list[dict[str, object]]:
    return [_likely(token, logprob) for token, logprob in tops]


def _likely(token: str, logprob: float) -> dict[str, object]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}
