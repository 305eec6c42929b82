"""A vendor's counting endpoint behind a pool that has no network."""

import asyncio
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from pai.gateway.pools import Pools
from pai.ir.agent import Timeouts
from pai.wire.endpoint import Endpoint
from pai.wire.errors import UpstreamError
from pai.wire.exchange import Exchange
from pai.wire.message import Headers


@dataclass
class Call:
    """One call as the vendor got it."""

    endpoint: Endpoint
    target: str
    headers: Headers
    body: dict[str, Any]

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Response:
    """An answer whose head is here. aborted: nobody waits for the rest."""

    status: int
    body: bytes
    seconds: float = 0.0
    aborted: bool = False

    @property
    def head(self) -> SimpleNamespace:
        return SimpleNamespace(status=self.status, headers=[])

    async def read(self, limit: int) -> bytes:
        assert len(self.body) <= limit
        await asyncio.sleep(self.seconds)
        return self.body

    def abort(self) -> None:
        self.aborted = True


@dataclass
class CountingVendor:
    """status, answer: what it says to every call, after seconds. error: no answer comes."""

    answer: object = None
    status: int = 200
    seconds: float = 0.0
    slow_body: float = 0.0
    error: UpstreamError | None = None
    calls: list[Call] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    @property
    def pools(self) -> Pools:
        return cast(Pools, self)

    def of(self, timeouts: Timeouts) -> "CountingVendor":
        return self

    async def send(
        self,
        endpoint: Endpoint,
        method: bytes,
        target: bytes,
        headers: Headers,
        body: bytes,
        *,
        owner: Exchange,
    ) -> Response:
        assert method == b"POST"
        self.calls.append(Call(endpoint, target.decode(), headers, json.loads(body)))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.running -= 1
        if self.error is not None:
            raise self.error
        said = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        response = Response(self.status, said, self.slow_body)
        self.responses.append(response)
        return response
