"""The engine's multiplexed stream: eight bytes of header, then that much of one channel.

Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
"""

from collections.abc import Iterator

from pai.runtime.protocol import Channel

_HEADER = 8
_CHANNELS: dict[int, Channel] = {0: "stdout", 1: "stdout", 2: "stderr"}
MAX_FRAME_BYTES = 16 << 20


class Demultiplexer:
    """Take bytes as they come, give what is complete of each channel."""

    def __init__(self) -> None:
        self._channel: Channel = "stdout"
        self._left = 0
        self._header = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Channel, bytes]]:
        """Yield the payload in `data`, frame by frame; frames may be cut anywhere.

        Raises ValueError on bytes that are no frame.
        """
        view = memoryview(data)
        while view:
            if self._left:
                part = view[: self._left]
                self._left -= len(part)
                view = view[len(part) :]
                yield self._channel, bytes(part)
                continue
            missing = _HEADER - len(self._header)
            self._header += view[:missing]
            view = view[missing:]
            if len(self._header) == _HEADER:
                self._begin()

    def _begin(self) -> None:
        channel = _CHANNELS.get(self._header[0])
        size = int.from_bytes(self._header[4:], "big")
        if channel is None or size > MAX_FRAME_BYTES:
            raise ValueError("not a multiplexed stream")
        self._channel, self._left = channel, size
        self._header.clear()


def frames(raw: bytes) -> list[tuple[Channel, bytes]]:
    """Return the frames of a whole answer."""
    return list(Demultiplexer().feed(raw))
