"""Fields that we rendered, and nothing else, decide whether an object is as it should be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.reconcile.kubernetes.holds import holds

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(documents)
def test_what_was_rendered_holds_itself(document: Any) -> None:
    assert holds(document, document)


@given(
    st.dictionaries(st.sampled_from("abc"), documents),
    st.dictionaries(st.sampled_from("xyz"), documents),
)
def test_fields_of_others_are_never_looked_at(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert holds({**ours, **theirs}, ours)


@pytest.mark.parametrize(
    ("stored", "rendered", "expected"),
    [
        ({"a": 1}, {"a": 2}, False),
        ({}, {"a": 1}, False),
        ({}, {"a": {}, "b": [], "c": ""}, True),
        ({"replicas": 3}, {"replicas": 0}, False),
        ([1, 2], [2, 1], False),
        ([1, 2, 3], [1, 2], False),
        ([{"name": "x", "v": 1}, {"name": "y"}], [{"name": "x", "v": 1}], True),
        ([{"name": "y"}], [{"name": "x"}], False),
        ([{"name": "x", "v": 2}], [{"name": "x", "v": 1}], False),
        ([{"port": 1}, {"port": 2}], [{"port": 1}], False),
        ("text", {"a": 1}, False),
        (True, 1, True),
    ],
)
def test_table(stored: Any, rendered: Any, expected: bool) -> None:
    assert holds(stored, rendered) is expected
