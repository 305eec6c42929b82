"""Bring one agent one step closer to its document. No rule lives here; see `pai.reconcile`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from pai.control.around import hindered, previous_status, surroundings, url_of
from pai.control.bridge import Bridge
from pai.control.catalog import Catalog
from pai.control.engine_door import EngineDoor
from pai.control.histories import Histories
from pai.control.identity import Identities
from pai.control.pki import Authority
from pai.control.ports import Ports
from pai.control.publish import Publisher
from pai.control.readiness import Prober
from pai.control.resolution import Resolution
from pai.control.snapshots import Place, environment_dummies
from pai.errors import PaiError
from pai.ir.agent import Agent, AgentKey
from pai.ir.settings import Settings
from pai.ledger.balance import Balance
from pai.reconcile import AgentStatus, History, Observed, Step, next_step, refused, rejected_status
from pai.render.containers import SIDECAR_PORT, Facts, render
from pai.runtime.errors import EngineRefusedError
from pai.store.protocol import Store
from pai.store.record import Delete, Event, Record

RESYNC_SECONDS = 30.0
_WARNING_PHASES = frozenset({"Failed"})
_NO_HISTORY = History()


class Reconciler:
    """Looks at an agent and acts; safe to call at any time, any number of times."""

    def __init__(  # noqa: PLR0913 - what a look needs
        self,
        *,
        catalog: Catalog,
        store: Store,
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
        self._catalog = catalog
        self._store = store
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
        self.balances: Mapping[str, Balance] = {}

    async def reconcile(self, key: AgentKey) -> float | None:
        """Take one step; return seconds until the next look, None to wait for a change.

        Raises TransientError while engine or store are out of reach.
        """
        record = self._catalog.record(key)
        if record is None:
            return await self._sweep(key)
        if record.deleted_at is not None:
            return await self._terminate(key, record)
        resolution = self._catalog.resolved(key)
        assert resolution is not None
        if resolution.agent is None:
            return await self._reject(key, record, resolution)
        return await self._advance(record, resolution, resolution.agent)

    async def tell(self, key: AgentKey, error: PaiError) -> None:
        """Say in the status what keeps control from looking after an agent."""
        record = self._catalog.record(key)
        if record is None:
            return
        stamp = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        before = previous_status(record)
        await self._write(key, record, hindered(before, record.generation, error, stamp))

    async def _advance(self, record: Record, resolution: Resolution, agent: Agent) -> float:
        key = agent.key
        address = await self._public_address(agent)
        desired = render(agent, await self._facts(agent))
        images = {agent.image, self._settings.image}
        observed = await self._engine.use().observe(key, images)
        observed = await self._asked(observed, record.uid)
        self._place(agent, observed)
        history = self._histories.of(key, record.uid)
        around = surroundings(record, resolution, self._settings, address, self.balances)
        step = next_step(agent, desired, observed, history, self._now(), around)
        await self._tell(key, record, step)
        await self._carry_out(key, record, step)
        wanted = RESYNC_SECONDS if step.requeue_seconds is None else step.requeue_seconds
        return min(wanted, RESYNC_SECONDS)

    async def _terminate(self, key: AgentKey, record: Record) -> float | None:
        self._publisher.set_place(key, None)
        observed = await self._engine.use().observe(key)
        around = surroundings(record, None, self._settings, "", {})
        step = next_step(
            None,
            (),
            observed,
            self._histories.of(key, record.uid),
            self._now(),
            around,
            delete_volumes=record.delete_volumes,
        )
        await self._tell(key, record, step)
        if step.done:
            await self._finalize(key, record)
            return None
        await self._carry_out(key, record, step)
        return step.requeue_seconds

    async def _finalize(self, key: AgentKey, record: Record) -> None:
        """Forget an agent of which the engine holds nothing any more; the record goes last."""
        await self._histories.forget(key)
        await self._ports.release(key)
        await self._store.forget(key)
        self._authority.forget(record.uid)
        wish = Delete(key=record.key, finalized=True, uid=record.uid)
        await self._store.commit([wish], self._now())

    async def _sweep(self, key: AgentKey) -> float | None:
        """Remove what is left in the engine of an agent that no document describes."""
        self._publisher.set_place(key, None)
        runtime = self._engine.use()
        step = next_step(None, (), await runtime.observe(key), _NO_HISTORY, self._now())
        for action in step.actions:
            await runtime.execute(action)
        return step.requeue_seconds

    async def _reject(self, key: AgentKey, record: Record, resolution: Resolution) -> float:
        reason, message = resolution.problem
        around = surroundings(record, resolution, self._settings, "", self.balances)
        before = around.previous
        if before is not None:
            kept = before.public_address
            around = msgspec.structs.replace(around, public_address=kept)
        status = rejected_status(record.generation, reason, message, around, self._now())
        if before is None or before.message != message:
            await self._event(key, "Warning", reason, message)
        await self._write(key, record, status)
        return RESYNC_SECONDS

    async def _tell(self, key: AgentKey, record: Record, step: Step) -> None:
        """Keep history and status before anything is done, so that a crash forgets nothing."""
        await self._histories.keep(key, record.uid, step.history)
        before = previous_status(record)
        for event in step.events:
            await self._event(key, event.type, event.reason, event.message)
        if before is None or before.phase != step.status.phase:
            kind = "Warning" if step.status.phase in _WARNING_PHASES else "Normal"
            text = step.status.message or f"the agent is {step.status.phase.lower()}"
            await self._event(key, kind, step.status.phase, text)
        await self._write(key, record, step.status)

    async def _write(self, key: AgentKey, record: Record, status: AgentStatus) -> None:
        document = msgspec.to_builtins(status)
        if document != record.status:
            await self._store.write_status(record.key, record.uid, document)

    async def _event(self, key: AgentKey, kind: str, reason: str, message: str) -> None:
        at = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        level: Literal["Normal", "Warning"] = "Warning" if kind == "Warning" else "Normal"
        await self._store.record_event(key, Event(at, level, reason, message, 1))

    async def _carry_out(self, key: AgentKey, record: Record, step: Step) -> None:
        runtime = self._engine.use()
        for action in step.actions:
            try:
                await runtime.execute(action)
            except EngineRefusedError as error:
                history = refused(step.history, action, error.message, self._now())
                if history is step.history:  # of no start, so the next status would not tell it
                    raise
                await self._histories.keep(key, record.uid, history)
                return

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
