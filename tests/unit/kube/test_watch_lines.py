"""Lines of a watch."""

from collections.abc import AsyncIterator

import pytest

from pai.kube.watch_lines import lines_of


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_lines_are_cut_at_newlines_alone(size: int) -> None:
    text = '{"a":"one\x85two"}\n\n{"b":"\u2028"}\n{"c":1}'.encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(text), size):
            yield text[start : start + size]

    found = [line async for line in lines_of(chunks())]
    assert found == ['{"a":"one\x85two"}'.encode(), '{"b":"\u2028"}'.encode()]  # no half line
