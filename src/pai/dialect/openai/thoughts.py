"""Reasoning in chat messages: `reasoning_content` as text, `reasoning_details` with its seals.

Source: https://openrouter.ai/docs/use-cases/reasoning-tokens (shape of the details).
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pai.dialect.conversation import Thinking, ToolCall, Vendor

ENCRYPTED, TEXT, SUMMARY = "reasoning.encrypted", "reasoning.text", "reasoning.summary"
_FORMATS: dict[str, str] = {
    "anthropic": "anthropic-claude-v1",
    "gemini": "google-gemini-v1",
    "openai": "openai-responses-v1",
}
_VENDORS: dict[str, Vendor] = {
    "anthropic-claude-v1": "anthropic",
    "google-gemini-v1": "gemini",
    "openai-responses-v1": "openai",
}


class Detail(msgspec.Struct):
    """One entry of `reasoning_details`, or a piece of one in a stream."""

    type: str = ""
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None
    id: str | None = None
    format: str | None = None
    index: int | None = None

    @property
    def words(self) -> str:
        """What of it is shown."""
        return self.text or self.summary or ""

    @property
    def vendor(self) -> Vendor | None:
        """Whose seal it holds."""
        return _VENDORS.get(self.format or "")

    @property
    def seals_a_call(self) -> bool:
        """Whether it is Gemini's signature of the tool call that `id` names."""
        return self.type == ENCRYPTED and bool(self.id) and self.vendor == "gemini"


def call_seals(details: Iterable[Detail]) -> Mapping[str, str]:
    """Return signatures of tool calls, by the calls' ids."""
    return {each.id or "": each.data or "" for each in details if each.seals_a_call}


def thoughts_of(details: Sequence[Detail], plain: str, calls: Iterable[str]) -> list[Thinking]:
    """Return the thoughts of a message.

    plain: its `reasoning_content`, which counts where no detail has text. calls: ids of its tool
    calls; what seals one of them is no thought.
    """
    ids = set(calls)
    found = [
        _thought(each)
        for each in _merged(details)
        if not (each.seals_a_call and each.id in ids) and _says_something(each)
    ]
    if plain and not any(each.text for each in found):
        for position, each in enumerate(found):
            if not each.hidden:
                found[position] = msgspec.structs.replace(each, text=plain)
                return found
        found.insert(0, Thinking(text=plain))
    return found


def _says_something(detail: Detail) -> bool:
    return bool(detail.words or detail.data or detail.signature)


def _thought(detail: Detail) -> Thinking:
    vendor = detail.vendor or ""
    if detail.type == ENCRYPTED:
        return Thinking(seal=detail.data or "", vendor=vendor, hidden=True)
    return Thinking(text=detail.words, seal=detail.signature or "", vendor=vendor)


def _merged(details: Sequence[Detail]) -> list[Detail]:
    """Put together the pieces of one entry; clients may collect a stream's pieces one by one."""
    whole: list[Detail] = []
    for each in details:
        last = whole[-1] if whole else None
        if last is None or each.index is None or (last.index, last.type) != (each.index, each.type):
            whole.append(each)
            continue
        whole[-1] = Detail(
            type=each.type,
            text=last.words + each.words,
            data=(last.data or "") + (each.data or ""),
            signature=each.signature or last.signature,
            id=last.id or each.id,
            format=last.format or each.format,
            index=each.index,
        )
    return whole


def detail_of(thought: Thinking, index: int) -> dict[str, object]:
    """Return the entry for one thought."""
    kind = ENCRYPTED if thought.hidden else TEXT
    entry: dict[str, object] = {"type": kind, "index": index}
    entry["format"] = _FORMATS.get(thought.vendor, "unknown")
    if thought.hidden:
        entry["data"] = thought.seal
        return entry
    if thought.text:
        entry["text"] = thought.text
    if thought.seal:
        entry["signature"] = thought.seal
    return entry


def call_detail(call: ToolCall, index: int, seal: str) -> dict[str, object]:
    """Return the entry that carries the seal of a tool call."""
    kind = _FORMATS.get(call.vendor, "unknown")
    return {"type": ENCRYPTED, "index": index, "format": kind, "id": call.id, "data": seal}
