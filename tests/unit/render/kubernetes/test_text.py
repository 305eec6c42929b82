"""An author's text arrives as it was written."""

import pytest
from tests.standards.expansion import expand

from pai.render.kubernetes.text import literal, literals


@pytest.mark.parametrize("text", ["$(A)", "$$(A)", "$$", "$", "$A", "$(", "a$$$(A)$", "$((A))"])
def test_nothing_is_expanded(text: str) -> None:
    assert expand(literal(text), {"A": "x", "(A": "y"}) == text


def test_each_of_several() -> None:
    assert literals(["$(A)", "b"]) == ["$$(A)", "b"]
