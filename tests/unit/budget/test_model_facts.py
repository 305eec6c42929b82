import pytest

from pai.budget.model_facts import UNKNOWN, model_facts
from pai.ir.agent import Price


@pytest.mark.parametrize("name", ["gpt-4o", "GPT-4o", "openai/gpt-4o", "gpt-4o-2024-08-06"])
def test_spellings_of_one_model(name: str) -> None:
    assert model_facts(name).max_output == 16_384


@pytest.mark.parametrize("name", ["", "llama3.1:8b", "/", "my-gpt-4o"])
def test_unknown_models_get_the_cautious_row(name: str) -> None:
    assert model_facts(name) == UNKNOWN
    assert UNKNOWN.price is None


@pytest.mark.parametrize(
    ("name", "window", "longest", "price"),
    [
        ("claude-haiku-4-5-20251001", 200_000, 64_000, Price(1.0, 5.0, 0.1, written=1.25)),
        ("claude-opus-4-20250514", 200_000, 32_000, Price(15.0, 75.0, 1.5, written=18.75)),
        ("anthropic/claude-opus-4.6", 1_000_000, 128_000, Price(5.0, 25.0, 0.5, written=6.25)),
        ("claude-opus-5", 1_000_000, 128_000, Price(5.0, 25.0, 0.5, written=6.25)),
        ("claude-opus-5-5", 1_000_000, 128_000, Price(4.0, 20.0, 0.2, written=5.0)),
        ("claude-sonnet-5-5", 1_000_000, 128_000, Price(2.0, 10.0, 0.1, written=2.5)),
        ("claude-fable-5-1", 1_000_000, 128_000, Price(10.0, 50.0, 0.25, written=12.5)),
        ("claude-next", 1_000_000, 8_192, None),
    ],
)
def test_claude_models(name: str, window: int, longest: int, price: Price | None) -> None:
    facts = model_facts(name)
    assert (facts.window, facts.max_output, facts.price) == (window, longest, price)


def test_a_point_is_a_point_in_other_names() -> None:
    assert model_facts("gpt-4.1").window == 1_047_576
