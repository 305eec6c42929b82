"""One choice of a chat stream, its deltas put in order as parts that never overlap.

The API lets pieces of several tool calls come in any order. Parts stand in a line: the first one's
pieces are told at once, those of the others are held. A text or thought has ended when another
part stands behind it, a call when its arguments are a whole JSON value.
"""

from collections.abc import Sequence

import msgspec

from pai.dialect.conversation import Text, Thinking, ToolCall, Vendor
from pai.dialect.openai.messages import arguments_of
from pai.dialect.openai.reply_reader import UNREADABLE, Answer, made_id, split_content
from pai.dialect.openai.thoughts import ENCRYPTED, Detail
from pai.dialect.openai.wire import Call
from pai.dialect.refused import UnreadableError
from pai.dialect.reply import Delta, Event, PartBegun, PartEnded, TokenLogprob

MOST_HELD_BYTES = 16 * 1024 * 1024

_LEGACY = -1
_Begun = Text | Thinking | ToolCall


class _Slot:
    """One part in the line. pieces: of a call's arguments so far; held: events not told yet."""

    __slots__ = ("begun", "held", "number", "pieces", "place", "told")

    def __init__(self, begun: _Begun, number: int, place: int | None = None) -> None:
        self.begun, self.number, self.place = begun, number, place
        self.told = False
        self.held: list[Delta] = []
        self.pieces: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether nothing more can come, once another part stands behind it."""
        if not isinstance(self.begun, ToolCall):
            return True
        arguments = "".join(self.pieces)
        self.pieces = [arguments]
        if self.begun.free_form or not arguments.rstrip().endswith("}"):
            return self.begun.free_form
        try:
            msgspec.json.decode(arguments)
        except UNREADABLE:
            return False
        return True


class ChoiceReader:
    """See the module. name: what ids are derived from for calls that came without one."""

    def __init__(self, choice: int, name: str) -> None:
        self._choice, self._name = choice, name
        self._line: list[_Slot] = []
        self._parts = 0
        self._calls: list[_Slot] = []
        self._seals: dict[str, str] = {}
        self._held_bytes = 0
        self.ended = False
        self.refused = False

    @property
    def called(self) -> bool:
        """Whether there were tool calls."""
        return bool(self._calls)

    def read(self, delta: Answer, logprobs: tuple[TokenLogprob, ...], out: list[Event]) -> int:
        """Take in a delta; return the bytes of output that it holds. Raises UnreadableError."""
        seen, content = 0, delta.content
        if delta.reasoning_details:
            seen += self._details(delta.reasoning_details, out)
        elif delta.reasoning_content or delta.reasoning:
            seen += self._say(Thinking, delta.reasoning_content or delta.reasoning or "", (), out)
        if isinstance(content, list):
            thoughts, content = split_content(content)
            seen += self._say(Thinking, thoughts, (), out)
        if content:
            seen += self._say(Text, content, logprobs, out)
        if delta.refusal:
            self.refused = True
            seen += self._say(Text, delta.refusal, logprobs, out)
        for call in delta.tool_calls or ():
            seen += self._call(call, out)
        if delta.function_call is not None:
            call = Call(index=_LEGACY, function=delta.function_call)
            seen += self._call(call, out)
        return seen

    def finish(self, out: list[Event]) -> None:
        """Tell what is held and end all parts: the choice is whole."""
        self.ended = True
        for seal in self._seals.values():  # of calls that never came
            self._append(Thinking(seal=seal, vendor="gemini", hidden=True), out)
        while self._line:
            self._leave(out)

    def _say(
        self,
        kind: type[Text] | type[Thinking],
        text: str,
        logprobs: tuple[TokenLogprob, ...],
        out: list[Event],
    ) -> int:
        if not text:
            return 0
        line = self._line
        slot = line[-1] if line else None
        if slot is None or slot.begun.__class__ is not kind or _is_hidden(slot.begun):
            slot = self._append(Text(text="") if kind is Text else Thinking(), out)
        self._tell(slot, Delta(self._choice, slot.number, text, "", logprobs), out)
        return len(text) if text.isascii() else len(text.encode())

    def _append(self, begun: _Begun, out: list[Event], place: int | None = None) -> _Slot:
        slot = _Slot(begun, self._parts, place)
        self._parts += 1
        self._line.append(slot)
        self._advance(out)
        return slot

    def _advance(self, out: list[Event]) -> None:
        """Let whole parts leave the line while others wait, and show its first one."""
        line = self._line
        while len(line) > 1 and line[0].whole:
            self._leave(out)
        self._show(line[0], out)

    def _leave(self, out: list[Event]) -> None:
        slot = self._line[0]
        self._show(slot, out)
        if slot.told:
            if _lacks_arguments(slot):
                out.append(Delta(self._choice, slot.number, "{}"))
            out.append(PartEnded(self._choice, slot.number))
        del self._line[0]

    def _show(self, slot: _Slot, out: list[Event]) -> None:
        """Tell that a part begins; a call waits for its name, and is none without."""
        if slot.told or (isinstance(slot.begun, ToolCall) and not slot.begun.name):
            return
        slot.told = True
        out.append(PartBegun(self._choice, slot.number, slot.begun))
        out.extend(slot.held)
        slot.held = []

    def _tell(self, slot: _Slot, delta: Delta, out: list[Event]) -> None:
        if slot.told and slot is self._line[0]:
            out.append(delta)
            return
        self._held_bytes += len(delta.text) + len(delta.seal)
        if self._held_bytes > MOST_HELD_BYTES:
            raise UnreadableError(f"it mixes more than {MOST_HELD_BYTES} bytes of tool calls")
        slot.held.append(delta)

    def _call(self, call: Call, out: list[Event]) -> int:
        slot = self._slot_of(call)
        name = (call.function.name if call.function else None) or ""
        if call.custom is not None:
            name = call.custom.name
        if slot is None:
            free_form = call.custom is not None
            made = ToolCall(
                id=call.id or made_id(self._name, len(self._calls)),
                name=name,
                arguments="",
                free_form=free_form,
            )
            seal = call.signature or self._seals.pop(made.id, "")
            if seal:
                made = msgspec.structs.replace(made, seal=seal, vendor="gemini")
            slot = self._append(made, out, call.index)
            self._calls.append(slot)
            return len(name) + self._arguments(slot, call, out)
        if name and not slot.told:
            slot.begun = msgspec.structs.replace(slot.begun, name=name)
            self._show(self._line[0], out)
        return self._arguments(slot, call, out)

    def _arguments(self, slot: _Slot, call: Call, out: list[Event]) -> int:
        text = arguments_of(call.function) if call.function else ""
        if call.custom is not None:
            text = call.custom.input
        if not text or slot not in self._line:
            return 0  # what comes for a part that was whole adds nothing
        slot.pieces.append(text)
        self._tell(slot, Delta(self._choice, slot.number, text), out)
        if slot is self._line[0] and len(self._line) > 1:
            self._advance(out)
        return len(text.encode())

    def _slot_of(self, call: Call) -> _Slot | None:
        """Return the call that a piece belongs to; None for a new one.

        Some servers count all calls as the first, some don't count at all: then the id tells.
        """
        calls = self._calls
        for slot in reversed(calls):
            if call.index is not None and slot.place != call.index:
                continue
            assert isinstance(slot.begun, ToolCall)
            if call.id and call.id != slot.begun.id:
                continue
            return slot
        return None

    def _details(self, details: Sequence[Detail], out: list[Event]) -> int:
        seen = 0
        for detail in details:
            seen += len(detail.data or "")
            if detail.seals_a_call:
                self._seal_call(detail.id or "", detail.data or "", out)
            elif detail.type == ENCRYPTED and detail.data:
                vendor = detail.vendor or ""
                self._append(Thinking(seal=detail.data, vendor=vendor, hidden=True), out)
            elif detail.words or detail.signature:
                seen += self._thought(detail, out)
        return seen

    def _thought(self, detail: Detail, out: list[Event]) -> int:
        slot = self._line[-1] if self._line else None
        going_on = slot is not None and isinstance(slot.begun, Thinking)
        if slot is None or not going_on or not _same(slot, detail):
            begun = Thinking(vendor=detail.vendor or "")
            slot = self._append(begun, out, detail.index)
        text, seal = detail.words, detail.signature or ""
        self._tell(slot, Delta(self._choice, slot.number, text, seal), out)
        return len(text.encode())

    def _seal_call(self, call_id: str, seal: str, out: list[Event]) -> None:
        for slot in self._line:
            if isinstance(slot.begun, ToolCall) and slot.begun.id == call_id:
                if not slot.told:
                    slot.begun = msgspec.structs.replace(slot.begun, seal=seal, vendor="gemini")
                    return
                self._tell(slot, Delta(self._choice, slot.number, "", seal), out)
                return
        self._seals[call_id] = seal


def _lacks_arguments(slot: _Slot) -> bool:
    begun = slot.begun
    return isinstance(begun, ToolCall) and not begun.free_form and not any(slot.pieces)


def _is_hidden(begun: _Begun) -> bool:
    return isinstance(begun, Thinking) and begun.hidden


def _same(slot: _Slot, detail: Detail) -> bool:
    vendor: Vendor | str = detail.vendor or ""
    assert isinstance(slot.begun, Thinking)
    if slot.begun.hidden or (vendor and slot.begun.vendor != vendor):
        return False
    return detail.index is None or slot.place is None or slot.place == detail.index
