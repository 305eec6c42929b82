import re

import pytest

from pai.providers.dummies import dummy

SHAPES = {
    "openai": r"sk-[A-Za-z0-9]{48}",
    "anthropic": r"sk-ant-api03-[A-Za-z0-9_-]{93}AA",
    "gemini": r"AIza[A-Za-z0-9_-]{35}",
    "openrouter": r"sk-or-v1-[0-9a-f]{64}",
    "github": r"ghp_[A-Za-z0-9]{36}",
    "telegram": r"[1-9][0-9]{9}:[A-Za-z0-9_-]{35}",
    "slack": r"xoxb-[0-9]{12}-[0-9]{13}-[A-Za-z0-9]{24}",
    "aws": r"AKIA[A-Z2-7]{16}",
    "aws-access-key-id": r"AKIA[A-Z2-7]{16}",
    "aws-secret-access-key": r"[A-Za-z0-9/+]{40}",
    "http-token": r"pai-dummy-[A-Za-z0-9]{40}",
    "mcp": r"pai-dummy-[A-Za-z0-9]{40}",
}


@pytest.mark.parametrize(("kind", "shape"), SHAPES.items())
def test_dummies_have_the_shape_of_the_real_thing(kind: str, shape: str) -> None:
    for number in range(20):
        assert re.fullmatch(shape, dummy(kind, number.to_bytes(4, "big")))


@pytest.mark.parametrize("kind", SHAPES)
def test_dummies_follow_from_the_seed_and_differ_with_it(kind: str) -> None:
    seen = {dummy(kind, number.to_bytes(4, "big")) for number in range(200)}
    assert len(seen) == 200
    assert dummy(kind, b"seed") == dummy(kind, b"seed")


def test_dummies_of_two_kinds_share_nothing() -> None:
    first, second = dummy("openrouter", b"s")[-40:], dummy("openai", b"s")[-40:]
    assert first != second
