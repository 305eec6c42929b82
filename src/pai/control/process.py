"""Put control together, run it until a signal, take it apart."""

import asyncio
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pai.clock import utc_now
from pai.control.http.app import public_app
from pai.control.http.services import Services
from pai.control.http.watch import News
from pai.control.ledger_door import LedgerDoor
from pai.control.resources import Resources
from pai.control.servers import Serving, tcp_socket, unix_socket
from pai.control.settings import load_settings
from pai.control.tokens import Tokens
from pai.errors import SpecError
from pai.ledger.sqlite import SqliteLedger
from pai.store.instance_key import InstanceKey, load_or_create
from pai.store.sqlite import SqliteStore
from pai.wire import log


def instance_id(key: InstanceKey) -> str:
    """Return the short id that tells this installation's containers from others'."""
    return key.derive("instance-id").hex()[:10]


async def run(data: Path) -> None:
    """Serve until SIGTERM or SIGINT. Raises SpecError, TransientError when it can't start."""
    with _only_one(data / "run" / "control.lock"):
        await _serve(data)


async def _serve(data: Path) -> None:
    os.umask(0o077)  # whatever is made below DATA is its owner's alone
    settings = load_settings(data / "settings.toml")
    key = load_or_create(data / "instance.key")
    store = SqliteStore(data / "pai.db", key)
    await store.open()
    ledger = LedgerDoor(SqliteLedger(data / "ledger.db"), lambda: utc_now().timestamp())
    tokens = Tokens(store, data / "run" / "api-token.sha256")
    await tokens.load()
    await tokens.create_first(data / "run" / "first-token", utc_now())
    news = News(store)
    services = Services(
        instance=instance_id(key),
        settings=settings,
        store=store,
        ledger=ledger,
        resources=Resources(store, settings, utc_now),
        news=news,
        accepts=tokens.accepts,
        now=utc_now,
    )
    app = public_app(services)
    servers = [
        Serving(app, tcp_socket("127.0.0.1", settings.api_port)),
        Serving(app, unix_socket(data / "run" / "api.sock")),
    ]
    for server in servers:
        await server.start()
    log.info("control serves", port=settings.api_port, instance=services.instance)
    try:
        await _signalled()
    finally:
        news.close()
        await asyncio.gather(*(server.stop() for server in servers))
        await ledger.close()
        await store.close()
    log.info("control ended")


async def _signalled() -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    await done.wait()


@contextmanager
def _only_one(file: Path) -> Iterator[None]:
    """Hold a lock while control runs; two of them would work against each other."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise SpecError(
            "control runs already for this data directory", hint="`pai down` ends it"
        ) from None
    try:
        yield
    finally:
        os.close(handle)
