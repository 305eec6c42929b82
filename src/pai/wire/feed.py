"""The line to control: calls with this process's credential, and the snapshot it works by."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec

from pai.errors import PaiError, TransientError
from pai.ir.snapshot import Network
from pai.wire import log, tls
from pai.wire.client import ClientPool
from pai.wire.dial import Dialer, FixedDialer
from pai.wire.endpoint import Endpoint
from pai.wire.errors import PayloadTooLarge
from pai.wire.limits import ClientLimits
from pai.wire.message import Headers

PREFIX = b"/internal/v1/"
REPLICA_HEADER = b"x-pai-replica"
WAIT_SECONDS = 25
ANSWER_BYTES = 64 * 1024 * 1024
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.2, 5.0
_LIMITS = ClientLimits(first_byte_seconds=WAIT_SECONDS + 10.0, idle_seconds=30.0)


class Snapshot(Protocol):
    """What every snapshot has. version: grows with each change."""

    @property
    def version(self) -> int:
        """Return the version."""


SnapshotT = TypeVar("SnapshotT", bound=Snapshot)


class Bootstrap(msgspec.Struct, frozen=True, kw_only=True):
    """How a process finds control over the network: the contents of its bootstrap file."""

    control: str
    ca_pem: str
    server_name: str
    credential: str


class Reply(NamedTuple):
    """Control's answer to a call."""

    status: int
    body: bytes


class ControlError(TransientError):
    """Control answered with something other than what a call is for."""

    reason = "ControlRefused"

    def __init__(self, status: int, path: str) -> None:
        super().__init__(f"control answered {status} to {path}")
        self.status = status


class ControlLink:
    """Calls of the internal API.

    credential: read anew for each call, as it may be replaced. headers: sent with each call.
    """

    def __init__(
        self,
        pool: ClientPool,
        endpoint: Endpoint,
        credential: Callable[[], str],
        headers: Headers | None = None,
    ) -> None:
        self._pool = pool
        self._endpoint = endpoint
        self._headers = headers or []
        self.credential = credential

    @classmethod
    def local(cls, data: Path, role: str) -> "ControlLink":
        """Return the link of a process on control's machine. role: names the credential file."""
        file = data / "run" / f"{role}.credential"
        endpoint = Endpoint("unix", str(data / "run" / "internal.sock"))
        pool = ClientPool(FixedDialer(), limits=_LIMITS)
        return cls(pool, endpoint, lambda: file.read_text(encoding="ascii").strip())

    @classmethod
    def remote(cls, bootstrap: Bootstrap, replica: int | None = None) -> "ControlLink":
        """Return a link over the network: TLS, trusting control's own CA alone.

        replica: which one of its agent a sidecar is, where its credential does not say so.
        Raises ValueError when `control` is not `https://IP:PORT`.
        """
        url = urlsplit(bootstrap.control)
        if url.scheme != "https" or url.hostname is None or url.port is None:
            raise ValueError("control must be https://IP:PORT")
        host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
        network = Network(
            nameservers=("127.0.0.1:9",),  # control is reached by address alone
            static_hosts={bootstrap.server_name: f"{host}:{url.port}"},
            private_upstreams=(url.hostname,),
        )
        context = tls.only_ca_context(bootstrap.ca_pem)
        pool = ClientPool(Dialer(network, declared=True), context, _LIMITS)
        endpoint = Endpoint("https", bootstrap.server_name, url.port)
        headers = [] if replica is None else [(REPLICA_HEADER, b"%d" % replica)]
        return cls(pool, endpoint, lambda: bootstrap.credential, headers)

    async def call(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Make one call. path: below `/internal/v1/`.

        Raises TransientError when control is out of reach, OSError when there is no credential.
        """
        headers: Headers = [
            (b"authorization", b"Bearer " + self.credential().encode("ascii")),
            (b"accept", b"application/json"),
            *self._headers,
        ]
        if body is not None:
            headers.append((b"content-type", b"application/json"))
        target = PREFIX + path.encode("ascii")
        response = await self._pool.send(
            self._endpoint, method.encode("ascii"), target, headers, body
        )
        return Reply(response.head.status, await response.read(ANSWER_BYTES))

    async def post(self, path: str, body: bytes) -> bytes:
        """POST JSON and return the body of a 2xx answer.

        Raises TransientError, ControlError for another status.
        """
        reply = await self.call("POST", path, body)
        if not 200 <= reply.status < 300:
            raise ControlError(reply.status, path)
        return reply.body

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class SnapshotFeed(Generic[SnapshotT]):
    """Follows this role's snapshot; keeps the last good one whatever happens to control.

    on_change: applies a snapshot; a PaiError or ValueError from it means that the snapshot is no
    good, and the one before stays in force.
    """

    def __init__(
        self,
        link: ControlLink,
        snapshot_type: type[SnapshotT],
        on_change: Callable[[SnapshotT], None],
    ) -> None:
        self._link = link
        self._decoder = msgspec.json.Decoder(snapshot_type)
        self._on_change = on_change
        self._ready = asyncio.Event()
        self._heard: float | None = None
        self._version = 0
        self.failures = 0
        self.current: SnapshotT | None = None

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self.poll()
            except (PaiError, OSError, ValueError) as error:
                self.failures += 1
                if self.failures == 1 or self.failures % 20 == 0:
                    text = error.message if isinstance(error, PaiError) else type(error).__name__
                    log.warning("no snapshot from control", reason=text, failures=self.failures)
                await asyncio.sleep(backoff_seconds(self.failures, random.random()))
            else:
                if self.failures:
                    log.info("control is back", failures=self.failures)
                self.failures = 0

    async def poll(self, wait_seconds: int = WAIT_SECONDS) -> bool:
        """Ask once; return whether something changed.

        Raises PaiError, OSError or ValueError (a snapshot that can't be decoded or applied).
        """
        path = f"snapshot?after={self._version}&wait={wait_seconds}"
        try:
            reply = await self._link.call("GET", path)
        except PayloadTooLarge as error:
            raise TransientError(error.message) from None
        if reply.status == 304:
            self._heard = asyncio.get_running_loop().time()
            return False
        if reply.status != 200:
            raise ControlError(reply.status, "snapshot")
        try:
            snapshot = self._decoder.decode(reply.body)
        except msgspec.DecodeError:  # its text could quote the snapshot
            raise TransientError("control sent a snapshot that can't be decoded") from None
        self._on_change(snapshot)
        self.current = snapshot
        self._version = snapshot.version
        self._heard = asyncio.get_running_loop().time()
        self._ready.set()
        return True

    async def ready(self, timeout_seconds: float | None = None) -> bool:
        """Wait for the first snapshot; return whether it came in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._ready.wait()
        except TimeoutError:
            return False
        return True

    @property
    def stale_seconds(self) -> float | None:
        """Seconds since control last confirmed the snapshot; None before the first."""
        if self._heard is None:
            return None
        return asyncio.get_running_loop().time() - self._heard


def backoff_seconds(failures: int, jitter: float) -> float:
    """Return the pause after the nth failure in a row. jitter: 0 to 1. Pure."""
    ceiling = min(MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 10))
    return float(ceiling * (0.5 + jitter / 2))
