"""Answers, written for a client of legacy completions: text, and nothing else."""

from collections.abc import Mapping

import msgspec

from pai.budget.price import Tokens
from pai.dialect.conversation import Text
from pai.dialect.openai.answer import usage_of
from pai.dialect.openai.chunk_writer import DONE
from pai.dialect.openai.endings import finish_reason
from pai.dialect.openai.errors import error_body
from pai.dialect.openai.reply_writer import id_of
from pai.dialect.refused import Refused
from pai.dialect.reply import Begun, Broken, Counted, Delta, Ended, Event, PartBegun, Reply

_encode = msgspec.json.Encoder().encode


def completion_body(reply: Reply) -> bytes:
    """Return a whole answer."""
    choices = [
        _choice(
            place,
            "".join(part.text for part in choice.parts if isinstance(part, Text)),
            finish_reason(choice.stop, calls=False),
        )
        for place, choice in enumerate(reply.choices)
    ]
    usage = None if reply.tokens is None else usage_of(reply.tokens)
    return _encode({**_head(reply.id, reply.model), "choices": choices, "usage": usage})


def _head(answer_id: str, model: str) -> Mapping[str, object]:
    made = id_of(answer_id, "cmpl-")
    return {"id": made, "object": "text_completion", "created": 0, "model": model}


def _choice(place: int, text: str, reason: str | None) -> Mapping[str, object]:
    return {"text": text, "index": place, "logprobs": None, "finish_reason": reason}


class CompletionWriter:
    """See `EventWriter`. wants_usage: the stream ends with the figures."""

    def __init__(self, *, wants_usage: bool) -> None:
        self._wants_usage = wants_usage
        self._head: Mapping[str, object] = {}
        self._texts: set[tuple[int, int]] = set()
        self._tokens: Tokens | None = None
        self._broken = False

    def write(self, event: Event) -> bytes:
        """Return the bytes for one event, may be none."""
        match event:
            case Delta() if event.text and (event.choice, event.part) in self._texts:
                return self._chunk(_choice(event.choice, event.text, None))
            case Begun():
                self._head = _head(event.id, event.model)
            case PartBegun(begun=Text(text=text)):
                self._texts.add((event.choice, event.part))
                return self._chunk(_choice(event.choice, text, None)) if text else b""
            case Ended():
                reason = finish_reason(event.stop, calls=False)
                return self._chunk(_choice(event.choice, "", reason))
            case Counted():
                self._tokens = event.tokens
            case Broken():
                self._broken = True
                refused = Refused.VENDOR_BUSY if event.overloaded else Refused.VENDOR_BROKEN
                return b"data: %b\n\n" % error_body(refused, event.message)
        return b""

    def finish(self) -> bytes:
        """Return the end of the stream; a broken one has none."""
        if self._broken:
            return b""
        if not self._wants_usage or self._tokens is None:
            return DONE
        last = {**self._head, "choices": [], "usage": usage_of(self._tokens)}
        return b"data: %b\n\n%b" % (_encode(last), DONE)

    def _chunk(self, choice: Mapping[str, object]) -> bytes:
        chunk = {**self._head, "choices": [choice]}
        if self._wants_usage:
            chunk["usage"] = None
        return b"data: %b\n\n" % _encode(chunk)
