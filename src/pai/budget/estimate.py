"""How many tokens a request can cost at most, before it is sent.

Tier 1, a true bound of byte-level tokenizers: one token a byte of the request's JSON, and framing
for the request, each message and each tool; images by a table; what can't be bounded (files by id,
server-side tools) as the model's whole window.
Tier 2, a vendor's own count, is `pai.gateway.exact_count`.
Tier 3, an estimate for endpoints that can't count: a ratio of tokens to bytes that is learned for
each model. It starts at 0.5 and rises at once to 1.1 times the highest seen.
"""

from math import ceil
from typing import Final

from pai.budget.model_facts import ModelFacts
from pai.budget.value import Value

START_RATIO: Final = 0.5
_HEADROOM: Final = 1.1
_FRAME_REQUEST: Final = 64
_FRAME_MESSAGE: Final = 8
_FRAME_TOOL: Final = 16
_FRAME_TOOLS: Final = 512  # vendors put a hidden prompt in front of tool definitions


class InputShape(Value):
    """What a request holds, as far as its cost depends on it.

    text_bytes: bytes of the JSON without inline image data. unbounded: parts that make the vendor
    fetch or add text of its own.
    """

    __slots__ = ("images", "messages", "text_bytes", "tools", "unbounded")

    def __init__(
        self,
        text_bytes: int,
        messages: int = 0,
        tools: int = 0,
        images: int = 0,
        unbounded: int = 0,
    ) -> None:
        self.text_bytes: Final = text_bytes
        self.messages: Final = messages
        self.tools: Final = tools
        self.images: Final = images
        self.unbounded: Final = unbounded

    def parts(self) -> tuple[object, ...]:
        """See `Value`."""
        return (self.text_bytes, self.messages, self.tools, self.images, self.unbounded)


def framing(shape: InputShape) -> int:
    """Return the tokens a vendor may add around messages and tools."""
    tools = _FRAME_TOOLS + _FRAME_TOOL * shape.tools if shape.tools else 0
    return _FRAME_REQUEST + _FRAME_MESSAGE * shape.messages + tools


def input_bound(shape: InputShape, facts: ModelFacts, ratio: float = 1.0) -> int:
    """Return the most input tokens at `ratio` tokens a byte; tier 1 at 1.0, tier 3 below."""
    if shape.unbounded:
        return facts.window
    text = ceil(shape.text_bytes * ratio)
    return text + framing(shape) + shape.images * facts.image


class LearnedRatio:
    """Tokens per byte of one model, the highest seen with headroom."""

    __slots__ = ("value",)

    def __init__(self, value: float = START_RATIO) -> None:
        self.value = value

    def learn(self, shape: InputShape, input_tokens: int) -> None:
        """Take in a vendor's count. Requests with images or files say nothing about text."""
        if shape.images or shape.unbounded or shape.text_bytes <= 0:
            return
        seen = (input_tokens - framing(shape)) / shape.text_bytes
        if seen * _HEADROOM > self.value:
            self.value = seen * _HEADROOM

    def inputs(self, shape: InputShape, facts: ModelFacts, *, learn: bool) -> tuple[int, ...]:
        """Return the bounds to try, the safest first; only tier 1 when learning is off."""
        value = self.value
        if learn and value < 1.0 and not (shape.tools or shape.images or shape.unbounded):
            # plain text, the usual case: as below, written out
            text, other = shape.text_bytes, _FRAME_REQUEST + _FRAME_MESSAGE * shape.messages
            return (text + other, ceil(text * value) + other)
        if not learn or value >= 1.0 or shape.unbounded:
            return (input_bound(shape, facts, max(1.0, value)),)
        other = framing(shape) + shape.images * facts.image
        return (shape.text_bytes + other, ceil(shape.text_bytes * value) + other)
