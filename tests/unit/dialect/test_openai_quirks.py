import pytest

from pai.dialect.openai import cap_field, effort_for, reasons
from pai.dialect.openai.quirks import (
    calls_in_parallel,
    house,
    is_googles_own,
    wants_thoughts_back,
)


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("gpt-5", "max_completion_tokens"),
        ("gpt-5-chat-latest", "max_completion_tokens"),
        ("gpt-6-astra", "max_completion_tokens"),
        ("o4-mini", "max_completion_tokens"),
        ("ft:o4-mini:acme", "max_completion_tokens"),
        ("gpt-4o", "max_tokens"),
        ("gpt-oss-120b", "max_tokens"),
        ("openai/gpt-5", "max_tokens"),  # OpenRouter's own spelling
        ("deepseek-chat", "max_tokens"),
    ],
)
def test_the_cap_is_spelled_as_the_model_takes_it(model: str, field: str) -> None:
    assert cap_field(model) == field


@pytest.mark.parametrize(
    ("model", "yes"),
    [
        ("gpt-5.1", True),
        ("openai/o3", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4.1", False),
        ("olmo-2", False),
    ],
)
def test_reasoning_models_are_known_by_name(model: str, yes: bool) -> None:
    assert reasons(model) is yes


@pytest.mark.parametrize(
    ("model", "effort", "level"),
    [
        ("o3", "high", "high"),
        ("o3", "none", "low"),
        ("o3", "max", "high"),
        ("gpt-5-mini", "minimal", "minimal"),
        ("gpt-5", "none", "minimal"),
        ("gpt-5.1", "none", "none"),
        ("gpt-5.2", "xhigh", "xhigh"),
        ("openai/gpt-6-astra", "max", "max"),
        ("gpt-oss-120b", "minimal", "low"),
        ("gemini-2.5-flash", "none", "none"),
        ("gemini-3-pro", "none", "minimal"),
        ("anthropic/claude-sonnet-4", "xhigh", "high"),
        ("deepseek-chat", "max", "max"),
        ("gpt-4o", "high", ""),
        ("gpt-5-chat-latest", "high", ""),
        ("llama-4", "high", ""),
        ("gpt-5", "enormous", ""),
    ],
)
def test_an_effort_goes_only_to_models_that_take_one(model: str, effort: str, level: str) -> None:
    assert effort_for(model, effort) == level


def test_seals_go_back_to_their_own_house_only() -> None:
    assert house("anthropic/claude") == "anthropic"
    assert house("google/gemini-3") == "gemini"
    assert house("openai/gpt-5") == "openai"
    assert house("meta-llama/llama") == ""
    assert house("claude") == ""
    assert is_googles_own("gemini-3-pro")
    assert is_googles_own("models/gemini-3-pro")
    assert not is_googles_own("google/gemini-3-pro")
    assert wants_thoughts_back("deepseek-chat")
    assert not wants_thoughts_back("gpt-4o")
    assert not calls_in_parallel("o3-mini")
    assert calls_in_parallel("gpt-5")
