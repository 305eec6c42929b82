"""What the budget must know of a vendor's model: window, longest answer, image cost, price.

A name that is not in the table gets the cautious row. Rows are matched by the longest prefix of the
model's id, after a vendor prefix such as `openai/` is cut off.
Source: public price lists of March to June 2026; a binding's own `prices` win. Windows, longest
answers and image costs are bounds on the safe side, not the vendors' exact figures.
"""

from functools import lru_cache
from typing import NamedTuple

from pai.ir.agent import Price


class ModelFacts(NamedTuple):
    """Units: tokens; image: the most that one image can cost."""

    window: int = 1_000_000
    max_output: int = 4_096
    image: int = 16_384
    price: Price | None = None


UNKNOWN = ModelFacts()

_TABLE: dict[str, ModelFacts] = {
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
    "gemini": ModelFacts(1_048_576, 8_192, 16_384),
    "deepseek": ModelFacts(131_072, 8_192, 16_384),
}


@lru_cache(maxsize=1024)
def model_facts(model: str) -> ModelFacts:
    """Return the row of the longest matching prefix, or the cautious one."""
    name = model.rpartition("/")[2].lower()
    best = max((prefix for prefix in _TABLE if name.startswith(prefix)), key=len, default=None)
    return UNKNOWN if best is None else _TABLE[best]
