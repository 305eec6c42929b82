"""Agents as containers of one machine's engine. No rule lives here; see `pai.reconcile`."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from datetime import datetime

import msgspec

from pai.control.around import surroundings, url_of
from pai.control.containers.bridge import Bridge
from pai.control.containers.engine_door import EngineDoor
from pai.control.containers.histories import Histories
from pai.control.containers.ports import Ports
from pai.control.containers.readiness import Prober
from pai.control.identity import Identities
from pai.control.pki import Authority
from pai.control.publish import Publisher
from pai.control.resolution import Resolution
from pai.control.snapshots import Place, environment_dummies
from pai.ir.agent import Agent, AgentKey
from pai.ir.settings import Settings
from pai.ledger.balance import Balance
from pai.reconcile import History, Observed, Step, next_step, refused
from pai.render.containers import SIDECAR_PORT, Facts, render
from pai.runtime.errors import EngineRefusedError
from pai.store.record import Record

_NO_HISTORY = History()


class ContainerSide:
    """A `pai.control.side.Side` over the Docker Engine API."""

    def __init__(  # noqa: PLR0913 - what a look needs
        self,
        *,
        engine: EngineDoor,
        bridge: Bridge,
        publisher: Publisher,
        identities: Identities,
        authority: Authority,
        ports: Ports,
        histories: Histories,
        prober: Prober,
        settings: Settings,
        instance: str,
        public_host: str,
        extra_ca_pem: str,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._bridge = bridge
        self._publisher = publisher
        self._identities = identities
        self._authority = authority
        self._ports = ports
        self._histories = histories
        self._prober = prober
        self._settings = settings
        self._instance = instance
        self._public_host = public_host
        self._extra_ca_pem = extra_ca_pem
        self._now = now

    async def look(
        self,
        record: Record,
        resolution: Resolution | None,
        agent: Agent | None,
        balances: Mapping[str, Balance],
    ) -> Step:
        """Observe the agent's containers and think; nothing is changed."""
        if agent is None:
            return await self._leaving(record)
        address = await self._public_address(agent)
        desired = render(agent, await self._facts(agent))
        images = {agent.image, self._settings.image}
        observed = await self._engine.use().observe(agent.key, images)
        observed = await self._asked(observed, record.uid)
        self._place(agent, observed)
        history = self._histories.of(agent.key, record.uid)
        around = surroundings(record, resolution, self._settings, address, balances)
        return next_step(agent, desired, observed, history, self._now(), around)

    async def keep(self, record: Record, sight: Step) -> None:
        """Keep the history before the actions, so that a crash forgets nothing."""
        await self._histories.keep(_key(record), record.uid, sight.history)

    async def act(self, record: Record, sight: Step) -> None:
        """Carry out the actions; a start that the engine refuses is remembered and told."""
        runtime = self._engine.use()
        for action in sight.actions:
            try:
                await runtime.execute(action)
            except EngineRefusedError as error:
                history = refused(sight.history, action, error.message, self._now())
                if history is sight.history:  # of no start, so the next status would not tell it
                    raise
                await self._histories.keep(_key(record), record.uid, history)
                return

    async def sweep(self, key: AgentKey) -> float | None:
        """Remove what is left in the engine of an agent that no document describes."""
        self._publisher.set_place(key, None)
        runtime = self._engine.use()
        step = next_step(None, (), await runtime.observe(key), _NO_HISTORY, self._now())
        for action in step.actions:
            await runtime.execute(action)
        return step.requeue_seconds

    async def forget(self, key: AgentKey, record: Record) -> None:
        """Drop history, port and certificates of an agent that is gone."""
        await self._histories.forget(key)
        await self._ports.release(key)
        self._authority.forget(record.uid)

    async def present(self) -> Collection[AgentKey]:
        """Return every agent of which the engine holds something, the bridge looked at anew."""
        await self._bridge.network(anew=True)
        return await self._engine.use().observe_all()

    async def events(self) -> AsyncIterator[AgentKey | None]:
        """Yield each agent to look at again; None (first of all) = look at every one."""
        await self._bridge.network(anew=True)
        async for key in self._engine.use().events():
            yield key

    async def _leaving(self, record: Record) -> Step:
        key = _key(record)
        self._publisher.set_place(key, None)
        observed = await self._engine.use().observe(key)
        return next_step(
            None,
            (),
            observed,
            self._histories.of(key, record.uid),
            self._now(),
            surroundings(record, None, self._settings, "", {}),
            delete_volumes=record.delete_volumes,
        )

    async def _asked(self, observed: Observed, uid: str) -> Observed:
        running = {
            item.replica for item in observed.containers if item.step == "sidecar" and item.running
        }
        addresses = {n: ip for n, ip in observed.addresses().items() if n in running}
        token = self._identities.edge_token(uid)
        readiness = await self._prober.ask(addresses, token)
        return msgspec.structs.replace(observed, readiness=readiness)

    def _place(self, agent: Agent, observed: Observed) -> None:
        """Tell the edge where the agent is: those that accept first, else those that explain."""
        addresses = observed.addresses()
        ready = {n: said for n, said in observed.readiness.items() if said.sidecar}
        accepting = [n for n in sorted(ready) if ready[n].inbound is not False]
        chosen = accepting or sorted(ready)
        replicas = tuple(f"{addresses[number]}:{SIDECAR_PORT}" for number in chosen)
        port = self._ports.get(agent.key)
        place = Place(replicas=replicas, numbers=tuple(chosen), public_port=port)
        self._publisher.set_place(agent.key, place)

    async def _public_address(self, agent: Agent) -> str:
        if agent.inbound is None:
            return ""
        return f"{self._public_host}:{await self._ports.assign(agent.key)}"

    async def _facts(self, agent: Agent) -> Facts:
        network = await self._bridge.network()
        return Facts(
            instance=self._instance,
            image=self._settings.image,
            network=network.name,
            ca_pem=self._authority.ca_pem,
            url=url_of(agent, self._settings),
            extra_ca_pem=self._extra_ca_pem,
            dummies=environment_dummies(agent, self._identities),
            bootstrap_version=self._bridge.version,
        )


def _key(record: Record) -> AgentKey:
    return AgentKey(record.key.namespace, record.key.name)
