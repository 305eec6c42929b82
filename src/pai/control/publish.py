"""Keep the snapshots of gateway, edge and sidecars at what the resources say, within ms."""

import asyncio
from collections.abc import Callable, Mapping

from pai.control.catalog import Catalog
from pai.control.documents import SECRET
from pai.control.identity import Identities
from pai.control.pki import Authority, Leaf
from pai.control.snapshots import (
    Place,
    Values,
    edge_snapshot,
    gateway_snapshot,
    intercepted_hosts,
    secrets_named,
    sidecar_snapshot,
)
from pai.control.topic import Topic
from pai.errors import PaiError
from pai.ir.agent import Agent, AgentKey
from pai.ir.settings import Settings
from pai.ir.snapshot import EdgeSnapshot, GatewaySnapshot, Network, SidecarSnapshot
from pai.store.protocol import Store
from pai.store.record import ResourceKey
from pai.wire import log

_RENEWAL_SECONDS = 3600.0  # how often leaves are looked at
_RETRY_SECONDS = 1.0
_GATEWAY_OWNER = "gateway"
_AT_ONCE = 10  # agents between two turns of the event loop


class Publisher:
    """Turns changes of resources into snapshots.

    gateway_url: where sidecars reach the gateway; known once the engine's network is. gateway_name:
    in the certificate of a gateway that speaks TLS; "" = it is near and speaks plain HTTP.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: Store,
        identities: Identities,
        authority: Authority,
        settings: Settings,
        network: Network,
        now_ms: Callable[[], int],
        gateway_name: str = "",
    ) -> None:
        self._gateway_name = gateway_name
        self._catalog = catalog
        self._store = store
        self._identities = identities
        self._authority = authority
        self._settings = settings
        self._network = network
        self._now_ms = now_ms
        self._places: dict[AgentKey, Place] = {}
        self._secrets: dict[ResourceKey, tuple[int, dict[str, str]]] = {}
        self._dirty: set[AgentKey] = set()
        self._moved = False
        self._wake = asyncio.Event()
        self._gateway_url = ""
        self.gateway: Topic[GatewaySnapshot] = Topic(now_ms)
        self.edge: Topic[EdgeSnapshot] = Topic(now_ms)
        self._sidecars: dict[AgentKey, Topic[SidecarSnapshot]] = {}
        catalog.subscribe(self.look_again)

    def sidecar(self, key: AgentKey) -> Topic[SidecarSnapshot]:
        """Return the topic of an agent's sidecars; empty until there is something to say."""
        return self._sidecars.setdefault(key, Topic(self._now_ms))

    def look_again(self, keys: frozenset[AgentKey]) -> None:
        """Publish anew what concerns these agents."""
        self._dirty |= keys
        self._wake.set()

    def set_gateway(self, url: str) -> None:
        """Tell where sidecars reach the gateway."""
        if url != self._gateway_url:
            self._gateway_url = url
            self.look_again(frozenset(self._catalog.agents()))

    def set_place(self, key: AgentKey, place: Place | None) -> None:
        """Tell where an agent's replicas listen; None = the agent is gone."""
        if self._places.get(key) == place:
            return
        if place is None:
            self._places.pop(key, None)
        else:
            self._places[key] = place
        self._moved = True
        self._wake.set()

    def ready_replicas(self, key: AgentKey) -> frozenset[int]:
        """Return the numbers of an agent's replicas that are ready."""
        return frozenset(self._places.get(key, Place()).numbers)

    def close(self) -> None:
        """Let everyone who waits for a snapshot go."""
        self.gateway.close()
        self.edge.close()
        for topic in self._sidecars.values():
            topic.close()

    async def run(self) -> None:
        """Publish until cancelled."""
        self.look_again(frozenset(self._catalog.agents()))
        first = True  # who serves no agent yet has to know that, too
        while True:
            try:
                async with asyncio.timeout(_RENEWAL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                self._dirty |= set(self._catalog.agents())
            self._wake.clear()
            keys, self._dirty = self._dirty, set()
            moved, self._moved = self._moved, False
            try:
                if keys or first:
                    await self._publish(keys)
                    first = False
                elif moved:
                    self._publish_edge()
            except PaiError as error:
                log.error("snapshots not published", error=error.message)
                await asyncio.sleep(_RETRY_SECONDS)
                self.look_again(frozenset(keys))

    async def _publish(self, keys: set[AgentKey]) -> None:
        await self._resolve(keys)
        agents = self._served()
        values = await self._values(list(agents.values()))
        self.gateway.publish(
            gateway_snapshot(
                agents.values(),
                lambda namespace: values.get(namespace, {}),
                self._identities,
                self._settings,
                self._network,
                self._gateway_leaf(),
            )
        )
        self._publish_edge()
        for number, key in enumerate(sorted(keys)):
            self._publish_sidecar(key, agents.get(key), values.get(key.namespace, {}))
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)

    async def _resolve(self, keys: set[AgentKey]) -> None:
        """Resolve many agents without keeping the event loop from others."""
        for number, key in enumerate(sorted(keys)):
            self._catalog.resolved(key)
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)

    def _publish_sidecar(self, key: AgentKey, agent: Agent | None, values: Values) -> None:
        if agent is None or not self._gateway_url:
            topic = self._sidecars.get(key)
            if topic is not None:
                topic.withdraw()
            if self._catalog.record(key) is None:
                self._sidecars.pop(key, None)
            return
        leaf = self._authority.leaf(agent.uid, intercepted_hosts(agent))
        snapshot = sidecar_snapshot(
            agent,
            values,
            self._identities,
            leaf,
            self._gateway_url,
            self._network,
            self._authority.ca_pem if self._gateway_name else "",
        )
        self.sidecar(key).publish(snapshot)

    def _gateway_leaf(self) -> Leaf | None:
        name = self._gateway_name
        return self._authority.leaf(_GATEWAY_OWNER, [name]) if name else None

    def _publish_edge(self) -> None:
        agents = self._served().values()
        self.edge.publish(edge_snapshot(agents, self._places, self._identities, self._settings))

    def _served(self) -> dict[AgentKey, Agent]:
        """Return the agents that may be served: none that is being deleted."""
        found = {}
        for key in self._catalog.agents():
            record, resolution = self._catalog.record(key), self._catalog.resolved(key)
            alive = record is not None and record.deleted_at is None
            if alive and resolution is not None and resolution.served is not None:
                found[key] = resolution.served
        return found

    async def _values(self, agents: list[Agent]) -> Mapping[str, Values]:
        """Return the secret values that snapshots need, by namespace and name."""
        found: dict[str, dict[str, Mapping[str, str]]] = {}
        needed = secrets_named(agents)
        for namespace, name in sorted(needed):
            key = ResourceKey(SECRET, namespace, name)
            record = self._catalog.records.get(key)
            if record is None:
                continue
            cached = self._secrets.get(key)
            if cached is None or cached[0] != record.resource_version:
                cached = (record.resource_version, await self._store.secret_values(key))
                self._secrets[key] = cached
            found.setdefault(namespace, {})[name] = cached[1]
        for key in [k for k in self._secrets if (k.namespace, k.name) not in needed]:
            del self._secrets[key]
        return found
