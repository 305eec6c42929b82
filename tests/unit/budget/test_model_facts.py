import pytest

from pai.budget.model_facts import UNKNOWN, model_facts


@pytest.mark.parametrize("name", ["gpt-4o", "GPT-4o", "openai/gpt-4o", "gpt-4o-2024-08-06"])
def test_spellings_of_one_model(name: str) -> None:
    assert model_facts(name).max_output == 16_384


@pytest.mark.parametrize("name", ["", "llama3.1:8b", "/", "my-gpt-4o"])
def test_unknown_models_get_the_cautious_row(name: str) -> None:
    assert model_facts(name) == UNKNOWN
    assert UNKNOWN.price is None
