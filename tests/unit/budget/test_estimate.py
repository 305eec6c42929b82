from hypothesis import given
from hypothesis import strategies as st

from pai.budget.estimate import START_RATIO, InputShape, LearnedRatio, framing, input_bound
from pai.budget.model_facts import UNKNOWN, model_facts

shapes = st.builds(
    InputShape,
    st.integers(0, 10**7),
    st.integers(0, 1000),
    st.integers(0, 100),
    st.integers(0, 20),
    st.just(0),
)


@given(shapes)
def test_tier_one_is_a_token_a_byte_and_framing(shape: InputShape) -> None:
    bound = input_bound(shape, UNKNOWN)
    assert bound >= shape.text_bytes + 8 * shape.messages + shape.images * UNKNOWN.image
    assert bound == shape.text_bytes + framing(shape) + shape.images * UNKNOWN.image


def test_what_the_vendor_fetches_itself_counts_as_the_whole_window() -> None:
    facts = model_facts("gpt-4o")
    assert input_bound(InputShape(10, unbounded=1), facts) == facts.window == 128_000


@given(shapes, st.lists(st.integers(0, 10**7), max_size=5))
def test_the_learned_ratio_only_rises_and_covers_what_was_seen(
    shape: InputShape, counts: list[int]
) -> None:
    ratio = LearnedRatio()
    last = ratio.value
    for count in counts:
        ratio.learn(shape, count)
        assert ratio.value >= last >= START_RATIO
        last = ratio.value
        if not shape.images and shape.text_bytes:
            assert input_bound(shape, UNKNOWN, ratio.value) >= count


@given(shapes, st.floats(0.5, 3.0))
def test_bounds_come_safest_first(shape: InputShape, value: float) -> None:
    bounds = LearnedRatio(value).inputs(shape, UNKNOWN, learn=True)
    assert list(bounds) == sorted(bounds, reverse=True)
    assert LearnedRatio(value).inputs(shape, UNKNOWN, learn=False) == bounds[:1]


def test_a_model_is_found_by_its_longest_prefix_and_behind_a_vendor() -> None:
    assert model_facts("gpt-4o-mini-2024-07-18").image == 48_200
    assert model_facts("openai/gpt-4o-2024-11-20").image == 4_096
    assert model_facts("qwen2.5-coder") is UNKNOWN
