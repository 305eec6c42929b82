"""Put the parts of a control replica on a cluster together, and take them apart again."""

import asyncio
import secrets
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from starlette.types import ASGIApp

from pai.clock import utc_now
from pai.control.agenda import Agenda
from pai.control.catalog import Catalog
from pai.control.http.app import api_app
from pai.control.http.services import Services
from pai.control.http.watch import News
from pai.control.identity import Identities
from pai.control.internal.app import InternalApi
from pai.control.internal.callers import Callers, Role
from pai.control.kubernetes.addresses import Bootstraps, find_addresses, find_ranges
from pai.control.kubernetes.api_service import trust_front
from pai.control.kubernetes.door import probes_app
from pai.control.kubernetes.front import Front, front_proxy
from pai.control.kubernetes.keys import platform_keys
from pai.control.kubernetes.listeners import Listeners
from pai.control.kubernetes.metrics import ClusterMetrics
from pai.control.kubernetes.places import Places
from pai.control.kubernetes.refusals import Refusals
from pai.control.kubernetes.restriction import Restriction
from pai.control.kubernetes.side import ClusterSide
from pai.control.kubernetes.views import ClusterViews
from pai.control.ledger_door import LedgerDoor
from pai.control.metrics import Scraping
from pai.control.pki import GATEWAY_NAME, Authority
from pai.control.publish import Publisher
from pai.control.reconciler import Reconciler
from pai.control.resources import Resources
from pai.control.settings import load_settings, network_of
from pai.control.snapshots import EVERYWHERE
from pai.control.worker import Worker
from pai.ir.agent import AgentKey
from pai.kube import Kube, Leadership
from pai.ledger import open_ledger
from pai.reconcile.kubernetes import Step
from pai.render.kubernetes import Facts
from pai.runtime.kubernetes.execute import Executor
from pai.runtime.kubernetes.inventory import Inventory
from pai.runtime.kubernetes.streams import Streams
from pai.store.activity_store import ActivityStore
from pai.store.instance_key import instance_id, write_private
from pai.store.kubernetes import KubernetesStore
from pai.wire import log

LEASE = "pai-control"
_RESYNC_SECONDS = 300.0
_TOKENS_SECONDS = 10.0


class Options(NamedTuple):
    """How a replica is started.

    database: URL of a PostgreSQL, None = SQLite files in `data`. scratch: for what is derived and
    private; gone with the pod. identity: of this replica, the pod's name.
    """

    settings: Path
    data: Path
    scratch: Path
    identity: str
    database: str | None = None
    internal_port: int = 8010
    front_port: int = 8443
    probes_port: int = 8081
    address: str = EVERYWHERE


class ClusterControl:
    """One replica of control on a cluster."""

    def __init__(self, kube: Kube, options: Options) -> None:
        self._kube = kube
        self._options = options
        self._exit = AsyncExitStack()
        self.settings = load_settings(options.settings, own_ranges=False)
        self._namespace = self.settings.system_namespace
        self._metrics = ClusterMetrics(kube)
        self._scraping = Scraping(self._metrics, is_open=True)
        self._inventory = Inventory(kube)
        self._restriction = Restriction(kube)
        self._listeners = Listeners(self._exit, options.address)
        self._ready = False

    async def start(self) -> None:
        """Read the keys, fill the mirrors, listen. Raises SpecError, TransientError."""
        probes = probes_app(lambda: True, lambda: self._ready, self._scraping)
        await self._listeners.plain(probes, self._options.probes_port)
        keys = await platform_keys(self._kube, self._namespace, utc_now())
        directory = self._options.scratch / "ca"
        write_private(directory / "ca.pem", keys.authority_pem)
        self._authority = Authority(directory, utc_now)
        self._identities = Identities(keys.instance)
        self.instance = instance_id(keys.instance)
        await self._open_databases()
        ranges = await find_ranges(self._kube)
        self._cluster_ranges = tuple({*self.settings.cluster_ranges, *ranges.services})
        network = msgspec.structs.replace(
            network_of(self.settings),
            refused=ranges.api_server,
            services=ranges.services,
            resolve_through_gateway=True,
        )
        self._catalog = Catalog(self.settings, keys.instance.derive("host-id"))
        self._publisher = Publisher(
            self._catalog,
            self._store,
            self._identities,
            self._authority,
            self.settings,
            network,
            _now_ms,
            GATEWAY_NAME,
        )
        await self._follow_cluster()
        addresses = await find_addresses(self._kube, self._namespace)
        self._publisher.set_gateway(addresses.gateway)
        self._scraping.tell_budgets(self._catalog, self._ledger, self._identities.metrics_token())
        self._bootstraps = Bootstraps(addresses, self._authority.ca_pem, self._identities)
        await self._bootstraps.put_roles(self._kube, self._namespace)
        await self._listen()
        self._ready = True

    async def serve_until(self, stop: asyncio.Event) -> None:
        """Publish, and lead when it is this replica's turn, until `stop` is set."""
        worker = self._worker()
        leadership = Leadership(
            self._kube, self._namespace, LEASE, _identity(self._options.identity), utc_now
        )

        async def lead() -> None:
            self._metrics.leader.set(1)
            log.info("this replica leads", identity=self._options.identity)
            try:
                await worker.run()
            finally:
                self._metrics.leader.set(0)

        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._publisher.run(), name="publish"),
                group.create_task(leadership.run(lead), name="lead"),
                group.create_task(self._listeners.renew(self._authority), name="renew"),
                *self._following,
            ]
            await stop.wait()
            self._ready = False
            for task in tasks:
                task.cancel()

    async def close(self) -> None:
        """Let go of everything; agents go on."""
        if hasattr(self, "_news"):
            self._news.close()
        if hasattr(self, "_publisher"):
            self._publisher.close()
        for task in getattr(self, "_following", ()):
            task.cancel()
        await self._exit.aclose()
        await self._kube.close()

    async def _open_databases(self) -> None:
        data, url = self._options.data, self._options.database
        ledger = open_ledger(url or data / "ledger.db")
        self._ledger = LedgerDoor(ledger, lambda: utc_now().timestamp())
        self._exit.push_async_callback(self._ledger.close)
        activity = ActivityStore(url or data / "activity.db")
        await activity.open()
        self._store = KubernetesStore(self._kube, activity, utc_now)
        await self._store.open()
        self._exit.push_async_callback(self._store.close)

    async def _follow_cluster(self) -> None:
        """Start the mirrors and return when all are filled; one that breaks ends the process."""
        runs = (self._inventory.run(), self._restriction.mirror.run())
        self._following = [asyncio.ensure_future(run) for run in runs]
        filled = asyncio.gather(self._inventory.synced(), self._restriction.mirror.synced())
        waiting: set[asyncio.Future[Any]] = {filled, *self._following}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in self._following:
            if task.done():
                filled.cancel()
                task.result()
        await filled
        self._catalog.load((await self._store.find(None, None))[0])
        self._store.subscribe(self._catalog.follow)
        self._news = News(self._store)
        places = Places(self._inventory, self._publisher, utc_now)
        for key in self._inventory.agents():
            places.look(key)

    def _internal(self) -> ASGIApp:
        callers = Callers(self._credential, self._identities, self._catalog, local_only=False)
        return InternalApi(
            callers,
            self._catalog,
            self._publisher,
            self._ledger,
            self._store,
            lambda: utc_now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        ).app()

    async def _listen(self) -> None:
        """Open the doors of the internal and of the aggregated API."""
        options, authority = self._options, self._authority
        await self._listeners.internal(self._internal(), options.internal_port, authority)
        proxy = await front_proxy(self._kube)
        app, name = Front(api_app(self._services())), f"pai-control.{self._namespace}.svc"
        await self._listeners.front(app, options.front_port, authority, proxy, name)
        await trust_front(self._kube, authority.ca_pem)

    def _credential(self, role: Role) -> bytes:
        return self._identities.role_credential(role).encode()

    def _services(self) -> Services:
        streams = Streams(self._kube, self._inventory)
        return Services(
            instance=self.instance,
            settings=self.settings,
            store=self._store,
            ledger=self._ledger,
            catalog=self._catalog,
            views=ClusterViews(self._inventory, streams, utc_now),
            resources=Resources(
                self._store, self._catalog, self.settings, utc_now, lambda _resource: ()
            ),
            news=self._news,
            now=utc_now,
        )

    def _worker(self) -> Worker[Step]:
        side = ClusterSide(
            inventory=self._inventory,
            executor=Executor(self._kube, self._inventory, self._secret_content),
            refusals=Refusals(self._kube, time.monotonic),
            restriction=self._restriction,
            identities=self._identities,
            settings=self.settings,
            facts=self._facts(),
            now=utc_now,
        )
        reconciler = Reconciler(
            catalog=self._catalog,
            store=self._store,
            side=side,
            settings=self.settings,
            now=utc_now,
            resync_seconds=_RESYNC_SECONDS,
        )
        return Worker(
            Agenda(time.monotonic),
            reconciler,
            self._catalog,
            side,
            self._ledger,
            resync_seconds=_RESYNC_SECONDS,
            tokens_seconds=_TOKENS_SECONDS,
            measure=self._metrics,
        )

    def _facts(self) -> Facts:
        return Facts(
            instance=self.instance,
            image=self.settings.image,
            ca_pem=self._authority.ca_pem,
            url="",
            extra_ca_pem=network_of(self.settings).extra_ca_pem,
            bootstrap_version=self._bootstraps.version,
            system_namespace=self._namespace,
            pull_policy=self.settings.pull_policy,
            cluster_ranges=tuple(sorted(self._cluster_ranges)),
            private_upstreams=self.settings.private_upstreams,
        )

    def _secret_content(self, _source: str, key: AgentKey) -> dict[str, str]:
        record = self._catalog.record(key)
        uid = record.uid if record else ""
        return {"bootstrap.json": self._bootstraps.sidecar(uid)}


def _identity(pod: str) -> str:
    """Return a name that no other replica ever has, nor this one after a restart."""
    return f"{pod}-{secrets.token_hex(4)}"


def _now_ms() -> int:
    return int(utc_now().timestamp() * 1000)
