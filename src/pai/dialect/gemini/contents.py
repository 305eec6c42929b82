"""Contents of a request, read as turns.

Texts of the model that stand side by side are one text: clients keep a stream's pieces as parts.
Calls that came without an id are given one by their place, which stays as the conversation grows.
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from pai.dialect.body import NULL
from pai.dialect.conversation import Part, Text, Thinking, ToolCall, ToolResult, Turn, Vendor
from pai.dialect.gemini import wire
from pai.dialect.gemini.files import media_of_blob, media_of_file
from pai.dialect.gemini.results import result_of
from pai.dialect.gemini.seals import open_signature
from pai.dialect.gemini.shape import listed
from pai.dialect.refused import BadRequestError, UnsupportedError
from pai.dialect.seal import open_id

FIELD = "contents"
_USERS = frozenset({"user", "function", "tool"})
_NOT_OF_AN_ID = re.compile(r"[^A-Za-z0-9_-]+")
_MOST_ID = 40  # the longest that every vendor takes


class Read(msgspec.Struct, frozen=True):
    """Contents, read. advisory: names of what is advice and has no place here."""

    turns: tuple[Turn, ...]
    advisory: frozenset[str]


def read_contents(contents: Sequence[wire.Content]) -> Read:
    """Return the turns. Raises BadRequestError, UnsupportedError."""
    reader = _Reader()
    for place, content in enumerate(contents):
        reader.take(place, content)
    turns = tuple(
        Turn("assistant" if role == "model" else "user", tuple(parts))
        for role, parts in reader.found
        if parts
    )
    if not turns:
        raise BadRequestError("'contents' holds nothing to answer", FIELD)
    return Read(turns, frozenset(reader.advisory))


def read_texts(content: wire.Content | None, field: str) -> tuple[Text, ...]:
    """Return the parts of a content that may hold text only. Raises BadRequestError."""
    if content is None:
        return ()
    texts = []
    for part in listed(content.parts):
        if part.text is None:
            raise BadRequestError(f"'{field}' may hold nothing but text", field)
        if part.text:
            texts.append(Text(text=part.text))
    return tuple(texts)


class _Reader:
    """Gathers turns. waiting: calls that have no result yet, by name and id, in order."""

    def __init__(self) -> None:
        self.found: list[tuple[str, list[Part]]] = []
        self.advisory: set[str] = set()
        self._waiting: list[tuple[str, str]] = []

    def take(self, place: int, content: wire.Content) -> None:
        """Take in one content; what one speaker says in several is one turn."""
        role = content.role or "user"
        if role in _USERS:
            role = "user"
        elif role != "model":
            raise BadRequestError(f"there is no role '{role}'", FIELD)
        if not self.found or self.found[-1][0] != role:
            self.found.append((role, []))
        parts = self.found[-1][1]
        for number, part in enumerate(listed(content.parts)):
            if part.media_resolution != NULL:
                self.advisory.add("mediaResolution")
            if part.part_metadata != NULL:
                self.advisory.add("partMetadata")
            for each in self._read(part, f"{place}_{number}"):
                _append(parts, each, joined=role == "model")

    def _read(self, part: wire.Part, place: str) -> Iterable[Part]:
        if part.video_metadata != NULL:
            raise UnsupportedError("this model's vendor can't cut videos: 'videoMetadata'", FIELD)
        vendor, seal = open_signature(part.thought_signature or "")
        if part.function_call is not None:
            return [self._call(part.function_call, place, vendor, seal)]
        if part.function_response is not None:
            return [self._result(part.function_response)]
        if part.inline_data is not None:
            return [media_of_blob(part.inline_data)]
        if part.file_data is not None:
            return [media_of_file(part.file_data)]
        if part.text is None and not seal:
            raise UnsupportedError(
                "this model's vendor has nothing like a part that is neither text, inlineData,"
                " fileData, functionCall nor functionResponse",
                FIELD,
            )
        return _words(part, vendor, seal)

    def _call(self, call: wire.FunctionCall, place: str, vendor: Vendor, seal: str) -> ToolCall:
        if not call.name:
            raise BadRequestError("a functionCall needs its 'name'", FIELD)
        call_id, sealed_by, sealed = open_id(call.id or "")
        if not call_id:
            call_id = _NOT_OF_AN_ID.sub("_", f"call_{place}_{call.name}")[:_MOST_ID]
        if sealed_by is not None and not seal:
            vendor, seal = sealed_by, sealed
        self._waiting.append((call.name, call_id))
        arguments = "{}" if call.args == NULL else bytes(call.args).decode()
        return ToolCall(
            id=call_id,
            name=call.name,
            arguments=arguments,
            seal=seal,
            vendor=vendor if seal else "",
        )

    def _result(self, response: wire.FunctionResponse) -> ToolResult:
        call_id = open_id(response.id or "")[0]
        for place, (name, waiting_id) in enumerate(self._waiting):
            if (call_id == waiting_id) if call_id else (name == response.name):
                del self._waiting[place]
                return result_of(response, waiting_id)
        if not (call_id or response.name):
            raise BadRequestError("a functionResponse needs its 'name'", FIELD)
        made = _NOT_OF_AN_ID.sub("_", f"call_{response.name}")[:_MOST_ID]
        return result_of(response, call_id or made)


def _words(part: wire.Part, vendor: Vendor, seal: str) -> list[Part]:
    text = part.text or ""
    if part.thought:
        hidden = not text
        return [Thinking(text=text, seal=seal, vendor=vendor if seal else "", hidden=hidden)]
    words: list[Part] = [Text(text=text)] if text else []
    if seal:
        words.append(Thinking(seal=seal, vendor=vendor, hidden=True))
    return words


def _append(parts: list[Part], part: Part, *, joined: bool) -> None:
    last = parts[-1] if parts else None
    if joined and isinstance(part, Text) and isinstance(last, Text):
        parts[-1] = Text(text=last.text + part.text)
    elif isinstance(part, Thinking) and _goes_on(last, part):
        assert isinstance(last, Thinking)
        parts[-1] = Thinking(text=last.text + part.text, seal=part.seal, vendor=part.vendor)
    elif not isinstance(part, Thinking) or part.text or part.seal:
        parts.append(part)


def _goes_on(last: Part | None, thought: Thinking) -> bool:
    """Say whether a thought is more of the last part: one that has no seal yet."""
    if not isinstance(last, Thinking) or last.seal or last.hidden:
        return False
    return bool(thought.text) or thought.vendor != "gemini"
