"""One request that is sent over and over, and the end of its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.mock import SLOWLY

CHAT = "/v1/chat/completions"
_HEAD_END = b"\r\n\r\n"
_STREAM_END = b"0\r\n\r\n"


class Shape(NamedTuple):
    """What is asked. prompt_bytes: about; slowly: a stream with pauses and no end."""

    name: str
    prompt_bytes: int
    stream: bool = False
    slowly: bool = False


JSON = Shape("JSON", 1000)
LARGE = Shape("JSON 400 KB", 400_000)
SSE = Shape("SSE", 1000, stream=True)
HELD = Shape("held", 1000, stream=True, slowly=True)


def body(shape: Shape, model: str) -> str:
    """Return a chat request of one message."""
    words = (SLOWLY + " " if shape.slowly else "") + "lorem ipsum " * (shape.prompt_bytes // 12)
    ask = '{"role":"user","content":"' + words + '"}'
    tail = ',"stream":true' if shape.stream else ""
    return f'{{"model":"{model}","messages":[{ask}],"max_tokens":64{tail}}}'


def bearer(token: str) -> dict[str, str]:
    """Return the headers of who has `token`."""
    return {"authorization": f"Bearer {token}"}


@dataclass(frozen=True)
class Call:
    """A POST of JSON. headers: besides host, content-type and content-length."""

    port: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = CHAT
    host: str = "127.0.0.1"
    scheme: str = "http"

    @property
    def url(self) -> str:
        """Return what a load generator is pointed at."""
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"

    def request(self) -> bytes:
        """Return the bytes of one request."""
        content = self.body.encode()
        lines = [
            f"POST {self.path} HTTP/1.1",
            f"host: {self.host}:{self.port}",
            "content-type: application/json",
            f"content-length: {len(content)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode() + _HEAD_END + content


class Answer:
    """Finds the end of one answer in what is read, without keeping more of it than needed.

    status: 0 until the head is there. events: those begun so far.
    """

    def __init__(self) -> None:
        self.status = 0
        self.events = 0
        self._head = b""
        self._left: int | None = None  # None = chunked, once there is a status
        self._tail = b""

    def feed(self, data: bytes) -> bool:
        """Take what was read next; say whether the answer is complete.

        Raises ValueError for an answer whose end can't be told.
        """
        if not self.status:
            self._head += data
            head, found, data = self._head.partition(_HEAD_END)
            if not found:
                return False
            self._read_head(head.lower())
        self.events += data.count(b"data: ")
        if self._left is not None:
            self._left -= len(data)
            return self._left <= 0
        self._tail = (self._tail + data)[-len(_STREAM_END) :]
        return self._tail == _STREAM_END

    def _read_head(self, head: bytes) -> None:
        self.status = int(head.split(b" ", 2)[1])
        fields = dict(line.partition(b":")[::2] for line in head.split(b"\r\n")[1:])
        if b"content-length" in fields:
            self._left = int(fields[b"content-length"])
        elif fields.get(b"transfer-encoding", b"").strip() != b"chunked":
            raise ValueError(f"neither content-length nor chunked: {head!r}")
