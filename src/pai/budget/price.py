"""What a request cost, in millionths of a USD."""

from typing import Final

from pai.budget.value import Value
from pai.ir.agent import Price


class Tokens(Value):
    """Tokens of one answer. cached and written (cache reads and writes) are part of input.

    reasoning is part of output.
    """

    __slots__ = ("cached", "input", "output", "reasoning", "written")

    def __init__(
        self,
        input: int = 0,  # noqa: A002 - what it is called everywhere
        output: int = 0,
        cached: int = 0,
        reasoning: int = 0,
        written: int = 0,
    ) -> None:
        self.input: Final = input
        self.output: Final = output
        self.cached: Final = cached
        self.reasoning: Final = reasoning
        self.written: Final = written

    def parts(self) -> tuple[object, ...]:
        """See `Value`."""
        return (self.input, self.output, self.cached, self.reasoning, self.written)

    @property
    def total(self) -> int:
        """What is charged: one token is one token that the vendor bills."""
        return self.input + self.output


def cost_microusd(tokens: Tokens, price: Price | None) -> int:
    """Return the cost, rounded up; 0 when the price is unknown."""
    if price is None:
        return 0
    cached = min(tokens.cached, tokens.input)
    written = min(tokens.written, tokens.input - cached)
    reasoning = min(tokens.reasoning, tokens.output)
    cached_price = price.input if price.cached is None else price.cached
    written_price = price.input if price.written is None else price.written
    reasoning_price = price.output if price.reasoning is None else price.reasoning
    cost = (
        (tokens.input - cached - written) * price.input
        + cached * cached_price
        + written * written_price
        + (tokens.output - reasoning) * price.output
        + reasoning * reasoning_price
    )
    return -int(-cost // 1)
