"""Turns, written as items of a request's input.

Ids of items are left out: with them the vendor would look for what it has stored. Losses, all of
form: thoughts that another vendor sealed, or nobody, are left out; a failed tool says so in words.
"""

from collections.abc import Iterable, Iterator

from pai.dialect.conversation import Media, Part, Text, Thinking, ToolCall, ToolResult, Turn
from pai.dialect.refused import UnsupportedError
from pai.dialect.responses.free_form import as_arguments

Item = dict[str, object]
CACHE = "cache_control"
_VENDOR = "OpenAI's Responses API"


class ItemWriter:
    """Writes items. dropped: names of what was left out as advice."""

    def __init__(self) -> None:
        self.dropped: set[str] = set()

    def write(self, turns: Iterable[Turn]) -> list[Item]:
        """Return the items. Raises UnsupportedError."""
        return [item for turn in turns for item in self._turn(turn)]

    def _turn(self, turn: Turn) -> Iterator[Item]:
        said: list[Item] = []
        for part in turn.parts:
            if isinstance(part, Text | Media):
                said.append(self._said(part, turn.role))
                continue
            if said:
                yield {"role": turn.role, "content": said}
                said = []
            yield from self._other(part)
        if said:
            yield {"role": turn.role, "content": said}

    def _said(self, part: Text | Media, role: str) -> Item:
        if role == "user":
            return self._shown(part)
        if isinstance(part, Media):
            message = f"{_VENDOR} takes no images and files in the model's own turns"
            raise UnsupportedError(message, "input")
        self._note_cache(part)
        return {"type": "output_text", "text": part.text}

    def _other(self, part: Part) -> Iterator[Item]:
        if isinstance(part, ToolCall):
            arguments = as_arguments(part.arguments) if part.free_form else part.arguments
            self._note_cache(part)
            call: Item = {"type": "function_call", "call_id": part.id, "name": part.name}
            yield {**call, "arguments": arguments}
        elif isinstance(part, ToolResult):
            yield {"type": "function_call_output", "call_id": part.id, "output": self._given(part)}
        elif isinstance(part, Thinking) and part.vendor == "openai" and part.seal:
            summary = [{"type": "summary_text", "text": part.text}] if part.text else []
            yield {"type": "reasoning", "summary": summary, "encrypted_content": part.seal}

    def _given(self, result: ToolResult) -> str | list[Item]:
        self._note_cache(result)
        texts = [part.text for part in result.parts if isinstance(part, Text)]
        if len(texts) == len(result.parts) <= 1:
            for part in result.parts:
                self._note_cache(part)
            return f"{'Error: ' if result.failed else ''}{''.join(texts)}"
        error: list[Item] = [{"type": "input_text", "text": "Error:"}] if result.failed else []
        return error + [self._shown(part) for part in result.parts]

    def _shown(self, part: Text | Media) -> Item:
        self._note_cache(part)
        if isinstance(part, Text):
            return {"type": "input_text", "text": part.text}
        if part.file_id:
            raise UnsupportedError(f"{_VENDOR} has no files of another vendor's", "input")
        link = f"data:{part.media_type};base64,{part.data}" if part.data else part.url
        if part.sort == "image" and link:
            return {"type": "input_image", "image_url": link, "detail": part.detail or "auto"}
        if part.sort == "file" and part.data:
            name = part.name or "document." + part.media_type.rpartition("/")[2]
            return {"type": "input_file", "filename": name, "file_data": link}
        if part.sort == "file" and link:
            return {"type": "input_file", "file_url": link}
        raise UnsupportedError(f"{_VENDOR} takes images and files, but no {part.sort}", "input")

    def _note_cache(self, part: Part) -> None:
        if part.cache:
            self.dropped.add(CACHE)
