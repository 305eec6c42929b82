"""What a scraper is told: the figures of all workers, whichever of them it happens to ask.

Workers share ports, so nobody can ask for a certain one. Each keeps a socket in a directory of
theirs, and whoever is asked asks the others. A series bears its worker's number: it starts anew
with that worker, and sums over workers are the scraper's.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from pai.errors import PaiError
from pai.gateway import count_limits, counters, spans, telemetry
from pai.gateway.exposition import CONTENT_TYPE, Families, Piece, exposed
from pai.wire.client import ClientPool
from pai.wire.dial import FixedDialer
from pai.wire.endpoint import Endpoint
from pai.wire.exchange import Exchange
from pai.wire.limits import ClientLimits
from pai.wire.message import first
from pai.wire.probes import METHODS, PROBE_LIMITS
from pai.wire.server import HttpServer

PATH = b"/metrics"
FAMILIES: Families = {
    **counters.FAMILIES,
    **telemetry.FAMILIES,
    **spans.FAMILIES,
    **count_limits.FAMILIES,
}
_SECONDS = 2.0
_MOST_BYTES = 64 * 1024 * 1024
_CLOSE_SECONDS = 0.5
_LIMITS = replace(PROBE_LIMITS, write_idle_seconds=10.0)
_ASKING = ClientLimits(first_byte_seconds=_SECONDS, idle_seconds=_SECONDS, total_seconds=5.0)
_parts = msgspec.msgpack.Decoder(dict[str, bytes])


class Figures:
    """One worker's door for scrapers.

    own: yields this worker's figures. directory: where the workers' sockets are; None = there is
    this worker alone.
    """

    def __init__(
        self, own: Callable[[], Iterable[Piece]], number: int, directory: Path | None
    ) -> None:
        self._own = own
        self._directory = directory
        self._socket = f"gateway-{number}.sock"
        self._near = HttpServer(self._answer_worker)
        self._door = HttpServer(self.answer, _LIMITS)
        self._pool = ClientPool(FixedDialer(), limits=_ASKING)
        self._digest = ""

    def trust(self, token_sha256: str) -> None:
        """Answer who has this token from now on; empty: nobody."""
        self._digest = token_sha256

    def admits(self, authorization: bytes | None) -> bool:
        """Say whether a header holds the token."""
        if not self._digest or authorization is None or authorization[:7].lower() != b"bearer ":
            return False
        offered = hashlib.sha256(authorization[7:].strip()).hexdigest()
        return hmac.compare_digest(offered, self._digest)

    async def listen(self, address: tuple[str, int] | None) -> None:
        """Answer the other workers, and scrapers at an address that the workers share.

        Raises OSError naming the address.
        """
        if self._directory is not None:
            await self._near.listen_unix(str(self._directory / self._socket))
        if address is not None:
            await self._door.listen(*address, reuse_port=True)

    async def answer(self, exchange: Exchange) -> None:
        """Answer a scraper."""
        head = exchange.head
        if head.path != PATH or head.method not in METHODS:
            await exchange.respond(404, [])
        elif not self.admits(first(head.headers, b"authorization")):
            await exchange.respond(401, [(b"www-authenticate", b"Bearer")])
        else:
            text = await self.text()
            await exchange.respond(200, [(b"content-type", CONTENT_TYPE)], text)

    async def text(self) -> bytes:
        """Return the figures of every worker that answers."""
        others = (self._ask(path) for path in self._others())
        found = await asyncio.gather(self._part(), *others)
        return exposed(FAMILIES, [part for part in found if part is not None])

    async def close(self) -> None:
        """Answer no more."""
        self._pool.close()
        await asyncio.gather(self._near.drain(0.0), self._door.drain(_CLOSE_SECONDS))

    def _others(self) -> Iterator[Path]:
        if self._directory is not None:
            for path in sorted(self._directory.glob("gateway-*.sock")):
                if path.name != self._socket:
                    yield path

    async def _part(self) -> dict[str, bytes]:
        """Return this worker's lines by family; requests are served between two pieces."""
        found: dict[str, list[str]] = {}
        for name, lines in self._own():
            found.setdefault(name, []).append(lines)
            await asyncio.sleep(0)
        return {name: "".join(lines).encode() for name, lines in found.items()}

    async def _ask(self, path: Path) -> dict[str, bytes] | None:
        """Return another worker's lines; None for one that has ended, or hangs."""
        try:
            response = await self._pool.send(Endpoint("unix", str(path)), b"GET", PATH, [])
            return _parts.decode(await response.read(_MOST_BYTES))
        except (PaiError, msgspec.DecodeError):
            return None

    async def _answer_worker(self, exchange: Exchange) -> None:
        body = msgspec.msgpack.encode(await self._part())
        await exchange.respond(200, [(b"content-type", b"application/msgpack")], body)
