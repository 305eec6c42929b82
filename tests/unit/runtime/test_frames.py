"""The multiplexed stream, cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.runtime.containers.frames import Demultiplexer, frames
from pai.runtime.protocol import Channel

PARTS = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(max_size=40)))


def encode(parts: list[tuple[Channel, bytes]]) -> bytes:
    numbers = {"stdout": 1, "stderr": 2}
    return b"".join(
        bytes([numbers[channel], 0, 0, 0]) + len(data).to_bytes(4, "big") + data
        for channel, data in parts
    )


@given(PARTS, st.integers(1, 17))
def test_cuts_do_not_matter(parts: list[tuple[Channel, bytes]], size: int) -> None:
    raw, split = encode(parts), Demultiplexer()
    found: dict[str, bytes] = {"stdout": b"", "stderr": b""}
    for start in range(0, len(raw), size):
        for channel, data in split.feed(raw[start : start + size]):
            found[channel] += data
    for name in found:
        assert found[name] == b"".join(data for channel, data in parts if channel == name)


@pytest.mark.parametrize("raw", [b"plain text, no frame", b"\x01\0\0\0\xff\xff\xff\xff"])
def test_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="not a multiplexed stream"):
        frames(raw)
