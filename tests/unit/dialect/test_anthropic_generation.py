import pytest

from pai.dialect.anthropic.generation import Generation, generation_of

EARLY = ("low", "medium", "high")
ALL = (*EARLY, "xhigh", "max")


@pytest.mark.parametrize(
    ("model", "thinks", "off", "efforts"),
    [
        ("claude-3-5-haiku-20241022", "never", "disabled", ()),
        ("claude-3-haiku-20240307", "never", "disabled", ()),
        ("claude-3-7-sonnet-20250219", "budget", "disabled", ()),
        ("claude-opus-4-20250514", "budget", "disabled", ()),
        ("claude-haiku-4-5-20251001", "budget", "disabled", ()),
        ("anthropic/claude-opus-4.6", "adaptive", "disabled", (*EARLY, "max")),
        ("claude-opus-4-7", "adaptive", "disabled", ALL),
        ("claude-opus-5", "adaptive", "disabled", ALL),
        ("claude-opus-5-5", "adaptive", "", ALL),
        ("claude-fable-5", "adaptive", "", ALL),
        ("claude-mythos-preview", "adaptive", "disabled", ALL),
        ("claude-sonnet-5", "adaptive", "disabled", ALL),
        ("Claude-Sonnet-5-5", "adaptive", "between_tools", ALL),
        ("claude-haiku-5-5", "adaptive", "disabled", ALL),
        ("claude-opus-7", "adaptive", "", ALL),
    ],
)
def test_how_models_think(model: str, thinks: str, off: str, efforts: tuple[str, ...]) -> None:
    found = generation_of(model)
    assert (found.thinks, found.off, found.efforts) == (thinks, off, efforts)


@pytest.mark.parametrize(
    ("model", "samples", "forces", "continues", "shapes"),
    [
        ("claude-opus-4-1-20250805", True, True, True, False),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", True, True, True, True),
        ("claude-sonnet-4-6", True, True, False, True),
        ("claude-opus-4-8", False, True, False, True),
        ("claude-sonnet-5", False, True, False, True),
        ("claude-haiku-5-5", False, True, False, True),
        ("claude-sonnet-5-5", False, False, False, True),
        ("claude-fable-5", False, True, False, True),
        ("claude-fable-5-1", False, False, False, True),
    ],
)
def test_what_models_take(
    model: str, samples: bool, forces: bool, continues: bool, shapes: bool
) -> None:
    found = generation_of(model)
    assert (found.samples, found.forces) == (samples, forces)
    assert (found.continues, found.shapes) == (continues, shapes)
    assert found.silent is not samples


@pytest.mark.parametrize("model", ["", "my-model", "claude", "claude-next", "deepseek-chat"])
def test_a_name_without_a_version_gets_the_api_as_it_was_for_long(model: str) -> None:
    assert generation_of(model) == Generation()
