"""Turns, written as Google's contents.

What one speaker says in several turns is one content. Within a user's turn the results of tools
come first. Signatures go back on the part that they came with: a call's on the call, that of a
text on the text before it, or on the turn's last one where a client has moved it.
Source: https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from collections.abc import Iterable, Sequence

from pai.dialect.conversation import (
    Media,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
    name_results,
)
from pai.dialect.gemini.files import part_of
from pai.dialect.gemini.generation import Generation
from pai.dialect.gemini.results import own_object, response_of
from pai.dialect.gemini.seals import NO_SIGNATURE
from pai.dialect.refused import UnsupportedError

CACHE = "cache_control"
_OWN = "gemini"
_SIGNATURE = "thoughtSignature"
_Json = dict[str, object]


class Contents:
    """Writes contents for one model. dropped: names of what was left out as advice."""

    def __init__(self, model: Generation) -> None:
        self._model = model
        self.dropped: set[str] = set()

    def write(self, turns: tuple[Turn, ...]) -> list[_Json]:
        """Return the contents. Raises UnsupportedError."""
        contents: list[_Json] = []
        for role, parts in _merged(name_results(turns)):
            self._note(parts)
            written = self._model_parts(parts) if role == "assistant" else self._user_parts(parts)
            if written:
                speaker = "model" if role == "assistant" else "user"
                contents.append({"role": speaker, "parts": written})
        return contents

    def _note(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if part.cache:
                self.dropped.add(CACHE)
            if isinstance(part, Media) and part.detail not in ("", "auto"):
                self.dropped.add("detail")

    def _user_parts(self, parts: Sequence[Part]) -> list[_Json]:
        results = [each for each in parts if isinstance(each, ToolResult)]
        written = [self._result(each) for each in results]
        if not self._model.shows_media:
            for result in results:
                written += _pictures(result)
        return written + [_shown(each) for each in parts if _is_shown(each)]

    def _result(self, result: ToolResult) -> _Json:
        self._note(result.parts)
        if not result.name:
            raise UnsupportedError(
                f"Gemini must be told whose result '{result.id}' is: its call is not there",
                "messages",
            )
        response: _Json = {"id": result.id, "name": result.name, "response": response_of(result)}
        media = [part_of(each) for each in result.parts if isinstance(each, Media)]
        if media and self._model.shows_media:
            response["parts"] = media
        return {"functionResponse": response}

    def _model_parts(self, parts: Sequence[Part]) -> list[_Json]:
        written: list[_Json] = []
        astray: list[str] = []  # signatures of texts that are no longer before them
        for part in parts:
            match part:
                case Thinking() if part.seal and part.vendor == _OWN:
                    _put_thought(written, astray, part)
                case Thinking():
                    pass  # of no use to Gemini
                case ToolCall():
                    written.append(_call(part))
                case ToolResult():
                    raise UnsupportedError("Gemini takes tools' results of users only", "messages")
                case _ if _is_shown(part):
                    written.append(_shown(part))
        for signature in astray:
            _sign_last_text(written, signature)
        if self._model.signs:
            _sign_first_call(written)
        return written


def _merged(turns: Iterable[Turn]) -> Iterable[tuple[str, list[Part]]]:
    merged: list[tuple[str, list[Part]]] = []
    for turn in turns:
        if not merged or merged[-1][0] != turn.role:
            merged.append((turn.role, []))
        merged[-1][1].extend(turn.parts)
    return merged


def _is_shown(part: Part) -> bool:
    return isinstance(part, Media) or (isinstance(part, Text) and bool(part.text))


def _shown(part: Part) -> _Json:
    return part_of(part) if isinstance(part, Media) else {"text": getattr(part, "text", "")}


def _pictures(result: ToolResult) -> Iterable[_Json]:
    media = [each for each in result.parts if isinstance(each, Media)]
    if media:
        yield {"text": f"What tool call {result.id} gave besides text:"}
    for each in media:
        yield part_of(each)


def _call(call: ToolCall) -> _Json:
    """Return a call; arguments that are no object become one, since Google takes nothing else."""
    arguments: object = None if call.free_form else own_object(call.arguments)
    if arguments is None:
        arguments = {"input": call.arguments}
    part: _Json = {"functionCall": {"id": call.id, "name": call.name, "args": arguments}}
    if call.seal and call.vendor == _OWN:
        part[_SIGNATURE] = call.seal
    return part


def _put_thought(written: list[_Json], astray: list[str], thought: Thinking) -> None:
    if thought.text:
        written.append({"text": thought.text, "thought": True, _SIGNATURE: thought.seal})
        return
    last = written[-1] if written else {}
    if _is_unsigned_text(last):
        last[_SIGNATURE] = thought.seal
    else:
        astray.append(thought.seal)


def _is_unsigned_text(part: _Json) -> bool:
    return "text" in part and _SIGNATURE not in part


def _sign_last_text(written: list[_Json], signature: str) -> None:
    for part in reversed(written):
        if _is_unsigned_text(part):
            part[_SIGNATURE] = signature
            return
    written.append({"text": "", _SIGNATURE: signature})


def _sign_first_call(written: Iterable[_Json]) -> None:
    """Sign the first call where nothing does: of parallel calls it must be, the others need not."""
    for part in written:
        if "functionCall" in part:
            part.setdefault(_SIGNATURE, NO_SIGNATURE)
            return
