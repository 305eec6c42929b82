"""Put the parts of control together, and take them apart again."""

import asyncio
import socket
import time
from contextlib import AsyncExitStack
from pathlib import Path

from starlette.types import ASGIApp

from pai.clock import utc_now
from pai.control.agenda import Agenda
from pai.control.catalog import Catalog
from pai.control.containers.bridge import Bridge
from pai.control.containers.engine_door import Connect, EngineDoor
from pai.control.containers.histories import Histories
from pai.control.containers.ports import Ports
from pai.control.containers.readiness import Prober
from pai.control.containers.side import ContainerSide
from pai.control.containers.views import ContainerViews
from pai.control.doorstep import Doorstep
from pai.control.http.app import public_app
from pai.control.http.services import Services
from pai.control.http.watch import News
from pai.control.identity import Identities
from pai.control.internal.app import InternalApi
from pai.control.internal.callers import Callers, credential_files
from pai.control.ledger_door import LedgerDoor
from pai.control.metrics import Metrics, Scraping
from pai.control.pki import Authority
from pai.control.publish import Publisher
from pai.control.reconciler import Reconciler
from pai.control.resources import Resources
from pai.control.servers import Serving, tcp_socket, unix_socket
from pai.control.settings import load_settings, network_of
from pai.control.snapshots import EVERYWHERE, LOOPBACK
from pai.control.tokens import Tokens
from pai.control.worker import Worker
from pai.ledger.sqlite import SqliteLedger
from pai.reconcile import Step
from pai.runtime.protocol import NetworkInfo
from pai.store.instance_key import instance_id, load_or_create, write_private
from pai.store.sqlite import SqliteStore

_RENEWAL_SECONDS = 3600.0
_RESYNC_SECONDS = 30.0
METRICS_TOKEN = "metrics.token"  # a file in DATA/run
_NOWHERE = ("192.0.2.1", 9)  # RFC 5737; nothing is sent, the kernel only says which way it lies


class Control:
    """One installation's control plane. prober: asks sidecars; a test brings its own."""

    def __init__(self, data: Path, connect: Connect, prober: Prober | None = None) -> None:
        self._data = data
        self._exit = AsyncExitStack()
        self._prober = prober or Prober()
        self.settings = load_settings(data / "settings.toml")
        network = network_of(self.settings)
        key = load_or_create(data / "instance.key")
        self.instance = instance_id(key)
        self._identities = Identities(key)
        self._authority = Authority(data / "ca", utc_now)
        self._store = SqliteStore(data / "pai.db", key)
        self._ledger = LedgerDoor(SqliteLedger(data / "ledger.db"), lambda: utc_now().timestamp())
        self._tokens = Tokens(self._store, data / "run" / "api-token.sha256")
        self._catalog = Catalog(self.settings, key.derive("host-id"))
        self._publisher = Publisher(
            self._catalog,
            self._store,
            self._identities,
            self._authority,
            self.settings,
            network,
            lambda: int(utc_now().timestamp() * 1000),
        )
        self._bridge = Bridge(
            self._catalog,
            self._identities,
            self.settings,
            self._authority.ca_pem,
            lambda: self._engine,
            self._network_found,
        )
        self._engine = EngineDoor(
            lambda: connect(self.settings, self.instance, self._bridge.secret_file)
        )
        self._internal = self._internal_app()
        self._doorstep = Doorstep(self._internal, self._authority, self.settings.internal_port)
        self._public = EVERYWHERE if self.settings.public else LOOPBACK
        self._ports = Ports(self._store, self.settings.agent_ports_from, self._public)
        self._histories = Histories(self._store)
        self._metrics = Metrics()
        self._extra_ca_pem = network.extra_ca_pem

    async def start(self) -> None:
        """Open the store, load it, listen. Raises SpecError, TransientError."""
        await self._store.open()
        await self._tokens.load()
        await self._tokens.create_first(self._data / "run" / "first-token", utc_now())
        self._catalog.load((await self._store.find(None, None))[0])
        self._store.subscribe(self._catalog.follow)
        await self._ports.load()
        await self._histories.load()
        self._news = News(self._store)
        app = public_app(self._services(), self._tokens.accepts, self._scraping())
        for served, sock in (
            (app, tcp_socket(LOOPBACK, self.settings.api_port)),
            (app, unix_socket(self._data / "run" / "api.sock")),
            (self._internal, unix_socket(self._data / "run" / "internal.sock")),
        ):
            server = Serving(served, sock)
            await server.start()
            self._exit.push_async_callback(server.stop)

    async def serve_until(self, stop: asyncio.Event) -> None:
        """Reconcile and publish until `stop` is set; a crash of a part ends the process."""
        worker = self._worker()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._publisher.run(), name="publish"),
                group.create_task(worker.run(), name="reconcile"),
                group.create_task(self._renew(), name="renew"),
            ]
            await stop.wait()
            for task in tasks:
                task.cancel()

    async def close(self) -> None:
        """Let go of everything; containers go on."""
        if hasattr(self, "_news"):
            self._news.close()
        self._publisher.close()
        await self._doorstep.close()
        await self._exit.aclose()
        await self._engine.close()
        await self._ledger.close()
        await self._store.close()

    async def _network_found(self, network: NetworkInfo) -> None:
        await self._doorstep.listen(network.gateway)
        host = f"[{network.gateway}]" if ":" in network.gateway else network.gateway
        self._publisher.set_gateway(f"http://{host}:{self.settings.gateway_port}")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEWAL_SECONDS)
            self._doorstep.renew()

    def _internal_app(self) -> ASGIApp:
        known = credential_files(self._data / "run")
        callers = Callers(known, self._identities, self._catalog)
        return InternalApi(
            callers,
            self._catalog,
            self._publisher,
            self._ledger,
            self._store,
            lambda: utc_now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        ).app()

    def _scraping(self) -> Scraping:
        """Return the door of scrapers, and leave their token where they can read it."""
        token = self._identities.metrics_token()
        write_private(self._data / "run" / METRICS_TOKEN, token.encode())
        scraping = Scraping(self._metrics, is_open=False)
        scraping.tell_budgets(self._catalog, self._ledger, token)
        return scraping

    def _services(self) -> Services:
        return Services(
            instance=self.instance,
            settings=self.settings,
            store=self._store,
            ledger=self._ledger,
            catalog=self._catalog,
            views=ContainerViews(
                self._engine, self._publisher.ready_replicas, self._histories.failures
            ),
            resources=Resources(self._store, self._catalog, self.settings, utc_now),
            news=self._news,
            now=utc_now,
        )

    def _worker(self) -> Worker[Step]:
        self._exit.push_async_callback(self._prober.close)
        side = self._side()
        reconciler = Reconciler(
            catalog=self._catalog,
            store=self._store,
            side=side,
            settings=self.settings,
            now=utc_now,
            resync_seconds=_RESYNC_SECONDS,
        )
        agenda = Agenda(time.monotonic)
        return Worker(
            agenda,
            reconciler,
            self._catalog,
            side,
            self._ledger,
            resync_seconds=_RESYNC_SECONDS,
            measure=self._metrics,
        )

    def _side(self) -> ContainerSide:
        return ContainerSide(
            engine=self._engine,
            bridge=self._bridge,
            publisher=self._publisher,
            identities=self._identities,
            authority=self._authority,
            ports=self._ports,
            histories=self._histories,
            prober=self._prober,
            settings=self.settings,
            instance=self.instance,
            public_host=_own_address() if self.settings.public else LOOPBACK,
            extra_ca_pem=self._extra_ca_pem,
            now=utc_now,
        )


def _own_address() -> str:
    """Return this machine's address towards the outside, loopback when it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(_NOWHERE)
        except OSError:
            return LOOPBACK
        return str(sock.getsockname()[0])
