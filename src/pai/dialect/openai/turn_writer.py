"""Turns, written as the messages of a chat request.

Losses, all of form: instructions become one message, an assistant's texts one string, and within a
user's turn the tool results come first, as the API demands. What a tool result shows besides text
follows in the user's message, since tool messages hold text only; a failed one says so in words.
"""

from collections.abc import Iterable

import msgspec

from pai.dialect.conversation import (
    Conversation,
    Media,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Turn,
)
from pai.dialect.openai.quirks import house, is_googles_own, wants_thoughts_back
from pai.dialect.openai.thoughts import call_detail, detail_of
from pai.dialect.refused import UnsupportedError

CACHE = "cache_control"
_JOINT = "\n\n"
_MARK = {"type": "ephemeral"}
_VENDOR = "OpenAI's chat API"
_NO_SIGNATURE = "skip_thought_signature_validator"
_Json = dict[str, object]


class Messages:
    """Writes messages for one model. dropped: names of what was left out as advice."""

    def __init__(self, model: str) -> None:
        self._house = house(model)
        self._googles_own = is_googles_own(model)
        self._wants_thoughts_back = wants_thoughts_back(model)
        self.dropped: set[str] = set()

    def write(self, talk: Conversation) -> list[_Json]:
        """Return the messages. Raises UnsupportedError."""
        messages: list[_Json] = []
        if talk.system:
            messages.append({"role": "system", "content": self._system(talk.system)})
        for turn in talk.turns:
            if turn.role == "assistant":
                messages.extend(self._assistant(turn))
            else:
                messages.extend(self._user(turn))
        return messages

    def _marked(self, part: Text | Media, shown: _Json) -> _Json:
        """Return a content part with its cache mark, for vendors that know such marks."""
        if part.cache and self._house == "anthropic":
            shown[CACHE] = _MARK
        elif part.cache:
            self.dropped.add(CACHE)
        return shown

    def _system(self, texts: tuple[Text, ...]) -> object:
        shown = [self._marked(each, {"type": "text", "text": each.text}) for each in texts]
        if any(CACHE in each for each in shown):
            return shown
        return _JOINT.join(each.text for each in texts)

    def _user(self, turn: Turn) -> Iterable[_Json]:
        results = [each for each in turn.parts if isinstance(each, ToolResult)]
        yield from (_result(each) for each in results)
        shown: list[_Json] = []
        for result in results:
            shown.extend(self._pictures(result))
        shown += [self._shown(each) for each in turn.parts if not isinstance(each, ToolResult)]
        if not shown:
            return
        first = shown[0]
        alone = len(shown) == 1 and first.keys() == {"type", "text"}
        yield {"role": "user", "content": first["text"] if alone else shown}

    def _pictures(self, result: ToolResult) -> Iterable[_Json]:
        media = [each for each in result.parts if isinstance(each, Media)]
        if media:
            yield {"type": "text", "text": f"What tool call {result.id} gave besides text:"}
        for each in media:
            yield self._shown(each)

    def _shown(self, part: Part) -> _Json:
        if isinstance(part, Text):
            return self._marked(part, {"type": "text", "text": part.text})
        if isinstance(part, Media):
            return self._marked(part, _media(part))
        raise UnsupportedError(f"{_VENDOR} lets users send no {type(part).__name__}", "messages")

    def _assistant(self, turn: Turn) -> Iterable[_Json]:
        texts, calls = [], []
        thoughts: list[Thinking] = []
        for part in turn.parts:
            match part:
                case Text():
                    texts.append(part.text)
                    self._marked(part, {})
                case ToolCall():
                    calls.append(part)
                case Thinking():
                    thoughts.append(part)
                case _:
                    why = f"{_VENDOR} takes no images and files in the model's own turns"
                    raise UnsupportedError(why, "messages")
        content = _JOINT.join(texts)
        if content or calls:
            message: _Json = {"role": "assistant", "content": content or None}
            if calls:
                message["tool_calls"] = [self._call(each, not n) for n, each in enumerate(calls)]
            yield {**message, **self._thoughts(thoughts, calls)}

    def _call(self, call: ToolCall, first: bool) -> _Json:
        arguments = call.arguments
        if call.free_form:
            arguments = msgspec.json.encode({"input": call.arguments}).decode()
        function = {"name": call.name, "arguments": arguments}
        shown: _Json = {"id": call.id, "type": "function", "function": function}
        if self._googles_own:
            seal = call.seal if call.vendor == "gemini" else ""
            if seal or first:  # of parallel calls only the first is signed, and must be
                google = {"thought_signature": seal or _NO_SIGNATURE}
                shown["extra_content"] = {"google": google}
        return shown

    def _thoughts(self, thoughts: list[Thinking], calls: list[ToolCall]) -> _Json:
        """Return the model's own thoughts, for models that want them back; no others'."""
        own = [each for each in thoughts if each.seal and each.vendor == self._house != ""]
        if self._house == "openai":  # which has no place for the text beside its seal
            own = [msgspec.structs.replace(each, hidden=True) for each in own]
        details = [detail_of(each, place) for place, each in enumerate(own)]
        if self._house == "gemini":
            signed = [each for each in calls if each.seal and each.vendor == "gemini"]
            details += [
                call_detail(each, place, each.seal)
                for place, each in enumerate(signed, len(details))
            ]
        if details:
            return {"reasoning_details": details}
        if self._wants_thoughts_back and calls:
            return {"reasoning_content": "".join(e.text for e in thoughts if not e.seal)}
        return {}


def _result(result: ToolResult) -> _Json:
    text = _JOINT.join(each.text for each in result.parts if isinstance(each, Text))
    if not text and result.parts:
        text = "See the next message."
    if result.failed:
        text = f"Error: {text}"
    return {"role": "tool", "tool_call_id": result.id, "content": text}


def _media(media: Media) -> _Json:
    """Return an image, sound or file. Raises UnsupportedError for what the API has no place for."""
    link = f"data:{media.media_type};base64,{media.data}" if media.data else media.url
    if media.file_id or not link:
        raise UnsupportedError(f"{_VENDOR} has no files of another vendor's", "messages")
    if media.sort == "image":
        image = {"url": link, "detail": media.detail} if media.detail else {"url": link}
        return {"type": "image_url", "image_url": image}
    if media.sort == "audio" and media.data:
        kind = media.media_type.rpartition("/")[2].removeprefix("x-")
        sound = {"data": media.data, "format": "mp3" if kind == "mpeg" else kind}
        return {"type": "input_audio", "input_audio": sound}
    if media.sort == "file" and media.data:
        name = media.name or "document." + media.media_type.rpartition("/")[2]
        return {"type": "file", "file": {"filename": name, "file_data": link}}
    raise UnsupportedError(f"{_VENDOR} takes no {media.sort} by URL, and no video", "messages")
