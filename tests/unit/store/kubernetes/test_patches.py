"""Merge patches do what they are for."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.kube_api import merged

from pai.store.kubernetes.patches import difference, replacing

_LEAVES = st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a"])
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from("abcd"), _VALUES, max_size=4)


def same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other) if not isinstance(one, dict) else _same_fields(one, other)


def _same_fields(one: dict[str, Any], other: Any) -> bool:
    if not isinstance(other, dict) or one.keys() != other.keys():
        return False
    return all(same(one[name], other[name]) for name in one)


@given(documents, documents)
def test_a_difference_leads_from_one_to_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    patch = difference(before, after)
    assert same(merged(before, patch), merged({}, after))
    assert bool(patch) is not same(before, after)


@given(documents, documents)
def test_a_replacement_leads_there_too_and_holds_all(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    patch = replacing(before, after)
    assert same(merged(before, patch), merged({}, after))
    assert patch.keys() >= after.keys()


def test_what_stays_is_not_named() -> None:
    before = {"a": {"x": 1, "y": 2}, "b": [1], "c": True}
    after = {"a": {"x": 1, "z": 3}, "b": [1], "c": 1}
    assert difference(before, after) == {"a": {"y": None, "z": 3}, "c": 1}
