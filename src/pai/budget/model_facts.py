"""What the budget must know of a vendor's model: window, longest answer, image cost, price.

A name that is not in the table gets the cautious row. Rows are matched by the longest prefix of the
model's id, after a vendor prefix such as `openai/` is cut off.
Source: public price lists of March to November 2026; a binding's own `prices` win. Windows, longest
answers and image costs are bounds on the safe side, not the vendors' exact figures.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from pai.ir.agent import Price


class ModelFacts(NamedTuple):
    """Units: tokens; image: the most that one image can cost."""

    window: int = 1_000_000
    max_output: int = 4_096
    image: int = 16_384
    price: Price | None = None


UNKNOWN: Final = ModelFacts()


def _claude(window: int, longest: int, inputs: float, outputs: float, cached: float) -> ModelFacts:
    """Return a Claude model's row; a cache write costs a quarter more than input.

    That is for five minutes; one for an hour, which the vendor's sum doesn't tell apart, costs
    twice the input. Source: https://platform.claude.com/docs/en/about-claude/pricing
    """
    price = Price(inputs, outputs, cached, written=inputs * 1.25)
    return ModelFacts(window, longest, 8_192, price)


_TABLE: Final[dict[str, ModelFacts]] = {
    "gpt-3.5": ModelFacts(16_385, 4_096, 4_096, Price(0.5, 1.5)),
    "gpt-4": ModelFacts(128_000, 4_096, 4_096),
    "gpt-4o": ModelFacts(128_000, 16_384, 4_096, Price(2.5, 10.0, 1.25)),
    "gpt-4o-mini": ModelFacts(128_000, 16_384, 48_200, Price(0.15, 0.6, 0.075)),
    "gpt-4.1": ModelFacts(1_047_576, 32_768, 4_096, Price(2.0, 8.0, 0.5)),
    "gpt-4.1-mini": ModelFacts(1_047_576, 32_768, 4_096, Price(0.4, 1.6, 0.1)),
    "gpt-4.1-nano": ModelFacts(1_047_576, 32_768, 4_096, Price(0.1, 0.4, 0.025)),
    "gpt-5": ModelFacts(400_000, 32_768, 4_096, Price(1.25, 10.0, 0.125)),
    "gpt-5.4": ModelFacts(400_000, 32_768, 4_096, Price(2.5, 15.0)),
    "gpt-5-mini": ModelFacts(400_000, 32_768, 4_096, Price(0.25, 2.0, 0.025)),
    "gpt-5-nano": ModelFacts(400_000, 32_768, 4_096, Price(0.05, 0.4, 0.005)),
    "o1": ModelFacts(200_000, 32_768, 4_096, Price(15.0, 60.0, 7.5)),
    "o3": ModelFacts(200_000, 32_768, 4_096, Price(2.0, 8.0, 0.5)),
    "o4-mini": ModelFacts(200_000, 32_768, 4_096, Price(1.1, 4.4, 0.275)),
    "claude": ModelFacts(1_000_000, 8_192, 8_192),
    "claude-3-haiku": _claude(200_000, 4_096, 0.25, 1.25, 0.03),
    "claude-3-opus": _claude(200_000, 4_096, 15.0, 75.0, 1.5),
    "claude-3-5-haiku": _claude(200_000, 8_192, 0.8, 4.0, 0.08),
    "claude-3-5-sonnet": _claude(200_000, 8_192, 3.0, 15.0, 0.3),
    "claude-3-7-sonnet": _claude(200_000, 64_000, 3.0, 15.0, 0.3),
    "claude-opus-4": _claude(200_000, 32_000, 15.0, 75.0, 1.5),
    "claude-opus-4-5": _claude(200_000, 64_000, 5.0, 25.0, 0.5),
    "claude-opus-4-6": _claude(1_000_000, 128_000, 5.0, 25.0, 0.5),
    "claude-opus-4-7": _claude(1_000_000, 128_000, 5.0, 25.0, 0.5),
    "claude-opus-4-8": _claude(1_000_000, 128_000, 5.0, 25.0, 0.5),
    "claude-opus-5": _claude(1_000_000, 128_000, 5.0, 25.0, 0.5),
    "claude-opus-5-5": _claude(1_000_000, 128_000, 4.0, 20.0, 0.2),
    "claude-sonnet-4": _claude(1_000_000, 64_000, 3.0, 15.0, 0.3),
    "claude-sonnet-4-6": _claude(1_000_000, 128_000, 3.0, 15.0, 0.3),
    "claude-sonnet-5": _claude(1_000_000, 128_000, 2.0, 10.0, 0.2),
    "claude-sonnet-5-5": _claude(1_000_000, 128_000, 2.0, 10.0, 0.1),
    "claude-haiku-4-5": _claude(200_000, 64_000, 1.0, 5.0, 0.1),
    # of prompts up to 100,000 tokens; longer ones cost five times as much
    "claude-haiku-5-5": _claude(1_000_000, 128_000, 0.1, 0.5, 0.01),
    "claude-fable-5": _claude(1_000_000, 128_000, 10.0, 50.0, 1.0),
    "claude-fable-5-1": _claude(1_000_000, 128_000, 10.0, 50.0, 0.25),
    "claude-fable-5-2": _claude(1_000_000, 128_000, 8.0, 40.0, 0.2),
    "claude-mythos-5": _claude(1_000_000, 128_000, 10.0, 50.0, 1.0),
    "claude-mythos-5-1": _claude(1_000_000, 128_000, 10.0, 50.0, 0.25),
    "claude-mythos-5-2": _claude(1_000_000, 128_000, 8.0, 40.0, 0.2),
    "gemini": ModelFacts(1_048_576, 8_192, 16_384),
    "gemini-flash": ModelFacts(1_048_576, 65_536, 16_384),
    "gemini-pro": ModelFacts(1_048_576, 65_536, 16_384),
    "gemini-embedding-001": ModelFacts(1_048_576, 8_192, 16_384, Price(0.15, 0.0)),
    "gemini-2.0-flash": ModelFacts(1_048_576, 8_192, 16_384, Price(0.1, 0.4, 0.025)),
    "gemini-2.0-flash-lite": ModelFacts(1_048_576, 8_192, 16_384, Price(0.075, 0.3)),
    "gemini-2.5-flash": ModelFacts(1_048_576, 65_536, 16_384, Price(0.3, 2.5, 0.03)),
    "gemini-2.5-flash-lite": ModelFacts(1_048_576, 65_536, 16_384, Price(0.1, 0.4, 0.01)),
    # the Pro models' prices are those of prompts up to 200,000 tokens; longer ones cost more
    "gemini-2.5-pro": ModelFacts(1_048_576, 65_536, 16_384, Price(1.25, 10.0, 0.125)),
    "gemini-3": ModelFacts(1_048_576, 65_536, 16_384),
    "gemini-3-flash": ModelFacts(1_048_576, 65_536, 16_384, Price(0.5, 3.0, 0.05)),
    "gemini-3-pro": ModelFacts(1_048_576, 65_536, 16_384, Price(2.0, 12.0, 0.2)),
    "gemini-3.1-flash-lite": ModelFacts(1_048_576, 65_536, 16_384, Price(0.25, 1.5, 0.025)),
    "gemini-3.1-pro": ModelFacts(1_048_576, 65_536, 16_384, Price(2.0, 12.0, 0.2)),
    "gemini-3.5-flash": ModelFacts(1_048_576, 65_536, 16_384, Price(1.5, 9.0, 0.15)),
    "gemini-3.5-flash-lite": ModelFacts(1_048_576, 65_536, 16_384),
    "gemini-4": ModelFacts(1_048_576, 65_536, 16_384),
    "deepseek": ModelFacts(131_072, 8_192, 16_384),
}


@lru_cache(maxsize=1024)
def model_facts(model: str) -> ModelFacts:
    """Return the row of the longest matching prefix, or the cautious one."""
    name = model.rpartition("/")[2].lower()
    if name.startswith("claude"):
        name = name.replace(".", "-")  # as some resellers write it: claude-opus-4.6
    best = max((prefix for prefix in _TABLE if name.startswith(prefix)), key=len, default=None)
    return UNKNOWN if best is None else _TABLE[best]
