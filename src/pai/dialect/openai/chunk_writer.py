"""The events of an answer, written as the chunks that a chat client expects.

Chunks are put together from bytes that are the same for the whole stream: text is the hot path.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from pai.budget.price import Tokens
from pai.dialect.conversation import Text, Thinking, ToolCall
from pai.dialect.openai.answer import usage_of
from pai.dialect.openai.endings import finish_reason, logprobs_shown
from pai.dialect.openai.errors import error_body
from pai.dialect.openai.reply_writer import call_id, id_of
from pai.dialect.openai.thoughts import call_detail, detail_of
from pai.dialect.openai.tools import PLAIN, Shown, free_text
from pai.dialect.refused import Refused
from pai.dialect.reply import Begun, Broken, Counted, Delta, Ended, Event, PartBegun, PartEnded

DONE = b"data: [DONE]\n\n"
_encode = msgspec.json.Encoder().encode
_Kind = Literal["text", "thinking", "call", "function", "free"]


class _Open(msgspec.Struct):
    """The part of a choice that is being written.

    place: among its kind. held: not yet told. said: some of it has been told.
    """

    kind: _Kind
    part: Text | Thinking | ToolCall
    place: int
    held: list[str]
    said: bool = False


class _ChoiceState(msgspec.Struct):
    """What was written of a choice. calls and thoughts count them."""

    head: bytes
    calls: int = 0
    thoughts: int = 0
    open: _Open | None = None


class ChunkWriter:
    """See `EventWriter`. wants_usage: the stream ends with the figures."""

    def __init__(self, *, wants_usage: bool, shown: Shown = PLAIN) -> None:
        self._wants_usage, self._shown = wants_usage, shown
        self._start = b""
        self._end = b',"usage":null}\n\n' if wants_usage else b"}\n\n"
        self._text_end = b'},"logprobs":null,"finish_reason":null}]' + self._end
        self._choices: dict[int, _ChoiceState] = {}
        self._tokens: Tokens | None = None
        self._broken = False

    def write(self, event: Event) -> bytes:
        """Return the bytes for one event, may be none."""
        if type(event) is Delta:
            return self._delta(event)
        return _WRITERS[type(event)](self, event)

    def finish(self) -> bytes:
        """Return the end of the stream; a broken one has none."""
        if self._broken:
            return b""
        if not self._wants_usage or self._tokens is None:
            return DONE
        usage = _encode(usage_of(self._tokens))
        return b'%b],"usage":%b}\n\n%b' % (self._start, usage, DONE)

    def _begun(self, event: Begun) -> bytes:
        made, model = _encode(id_of(event.id, "chatcmpl-")), _encode(event.model)
        self._start = (
            b'data: {"id":%b,"object":"chat.completion.chunk","created":0,"model":%b,"choices":['
            % (made, model)
        )
        return self._first(0)[1]

    def _first(self, choice: int) -> tuple[_ChoiceState, bytes]:
        """Return a choice and, the first time, the chunk that tells its role."""
        known = self._choices.get(choice)
        if known is not None:
            return known, b""
        head = b'%b{"index":%d,"delta":{' % (self._start, choice)
        made = self._choices[choice] = _ChoiceState(head)
        role = b'"role":"assistant","content":"","refusal":null'
        return made, head + role + self._text_end

    def _delta(self, event: Delta) -> bytes:
        state = self._choices.get(event.choice)
        part = state.open if state is not None else None
        if state is None or part is None:
            return b""
        if part.kind == "text" and not event.logprobs:
            return state.head + b'"content":' + _encode(event.text) + self._text_end
        match part.kind:
            case "text":
                return self._likely_text(state, event)
            case "thinking":
                return self._thought(state, part, event.text, event.seal)
            case "free":
                part.held.append(event.text)
                return b""
        part.said = part.said or bool(event.text)
        return self._arguments(state, part, event.text) + self._late_seal(state, part, event.seal)

    def _likely_text(self, state: _ChoiceState, event: Delta) -> bytes:
        text, likely = _encode(event.text), _encode(logprobs_shown(event.logprobs))
        end = b'"content":%b},"logprobs":%b,"finish_reason":null}]' % (text, likely)
        return state.head + end + self._end

    def _thought(self, state: _ChoiceState, part: _Open, text: str, seal: str) -> bytes:
        """Tell a piece of a thought, as text and as a piece of its detail.

        Clients join the pieces' strings, so the detail's format is told once only.
        """
        if not (text or seal):
            return b""
        begun = part.part
        assert isinstance(begun, Thinking)
        piece = msgspec.structs.replace(begun, text=text, seal=seal)
        detail = detail_of(piece, part.place)
        if part.said:
            del detail["format"]
        part.said = True
        delta: dict[str, object] = {"reasoning_content": text} if text else {}
        return self._chunk(state, {**delta, "reasoning_details": [detail]})

    def _arguments(self, state: _ChoiceState, part: _Open, text: str) -> bytes:
        if not text:
            return b""
        first = not part.place
        if part.kind == "function":
            return self._chunk(state, {"function_call": {"arguments": text}}) if first else b""
        call = {"index": part.place, "function": {"arguments": text}}
        return self._chunk(state, {"tool_calls": [call]})

    def _late_seal(self, state: _ChoiceState, part: _Open, seal: str) -> bytes:
        """Tell a seal that comes when the call's id is out already."""
        if not seal or part.kind == "function":
            return b""
        assert isinstance(part.part, ToolCall)
        detail = call_detail(part.part, state.thoughts, seal)
        state.thoughts += 1
        return self._chunk(state, {"reasoning_details": [detail]})

    def _chunk(self, state: _ChoiceState, delta: dict[str, object]) -> bytes:
        return state.head + _encode(delta)[1:-1] + self._text_end if delta else b""

    def _part_begun(self, event: PartBegun) -> bytes:
        state, told = self._first(event.choice)
        begun = event.begun
        if isinstance(begun, Text):
            state.open = _Open("text", begun, 0, [])
            return told + (self._chunk(state, {"content": begun.text}) if begun.text else b"")
        if isinstance(begun, Thinking):
            state.open = _Open("thinking", begun, state.thoughts, [])
            state.thoughts += 1
            return told + self._thought(state, state.open, begun.text, begun.seal)
        return told + self._call_begun(state, begun)

    def _call_begun(self, state: _ChoiceState, call: ToolCall) -> bytes:
        place = state.calls
        state.calls += 1
        if call.name in self._shown.free_form:
            state.open = _Open("free", call, place, [])
            return b""
        function = {"name": call.name, "arguments": ""}
        if self._shown.legacy:  # such clients know of one call only
            state.open = _Open("function", call, place, [])
            return b"" if place else self._chunk(state, {"function_call": function})
        state.open = _Open("call", call, place, [])
        told = {"index": place, "id": call_id(call), "type": "function", "function": function}
        return self._chunk(state, {"tool_calls": [told]})

    def _part_ended(self, event: PartEnded) -> bytes:
        state = self._choices.get(event.choice)
        part = state.open if state is not None else None
        if state is None or part is None:
            return b""
        state.open = None
        call = part.part
        if not isinstance(call, ToolCall):
            return b""
        if part.kind == "free":
            return self._free(state, part, call)
        # a call that came whole, or without arguments
        return b"" if part.said else self._arguments(state, part, call.arguments or "{}")

    def _free(self, state: _ChoiceState, part: _Open, call: ToolCall) -> bytes:
        arguments = "".join(part.held) or call.arguments
        text = arguments if call.free_form else free_text(arguments)
        custom = {"name": call.name, "input": text}
        told = {"index": part.place, "id": call_id(call), "type": "custom", "custom": custom}
        return self._chunk(state, {"tool_calls": [told]})

    def _ended(self, event: Ended) -> bytes:
        state, told = self._first(event.choice)
        reason = finish_reason(event.stop, calls=state.calls > 0)
        if self._shown.legacy and reason == "tool_calls":
            reason = "function_call"
        end = b'},"logprobs":null,"finish_reason":"%b"}]' % reason.encode()
        return told + state.head + end + self._end

    def _counted(self, event: Counted) -> bytes:
        self._tokens = event.tokens
        return b""

    def _broken_off(self, event: Broken) -> bytes:
        self._broken = True
        refused = Refused.VENDOR_BUSY if event.overloaded else Refused.VENDOR_BROKEN
        return b"data: %b\n\n" % error_body(refused, event.message)


_WRITERS: dict[type[Event], Callable[[ChunkWriter, Any], bytes]] = {
    Begun: ChunkWriter._begun,
    PartBegun: ChunkWriter._part_begun,
    PartEnded: ChunkWriter._part_ended,
    Ended: ChunkWriter._ended,
    Counted: ChunkWriter._counted,
    Broken: ChunkWriter._broken_off,
}
