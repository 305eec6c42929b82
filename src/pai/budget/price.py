"""What a request cost, in millionths of a USD."""

from typing import NamedTuple

from pai.ir.agent import Price


class Tokens(NamedTuple):
    """Tokens of one answer. cached is part of input, reasoning part of output."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """What is charged: one token is one token that the vendor bills."""
        return self.input + self.output


def cost_microusd(tokens: Tokens, price: Price | None) -> int:
    """Return the cost, rounded up; 0 when the price is unknown."""
    if price is None:
        return 0
    cached = min(tokens.cached, tokens.input)
    reasoning = min(tokens.reasoning, tokens.output)
    cached_price = price.input if price.cached is None else price.cached
    reasoning_price = price.output if price.reasoning is None else price.reasoning
    cost = (
        (tokens.input - cached) * price.input
        + cached * cached_price
        + (tokens.output - reasoning) * price.output
        + reasoning * reasoning_price
    )
    return -int(-cost // 1)
