"""Agents as objects of a cluster. No rule lives here; see `pai.reconcile.kubernetes`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from datetime import datetime

import msgspec

from pai.control.around import surroundings, url_of
from pai.control.identity import Identities
from pai.control.kubernetes.refusals import Refusals
from pai.control.kubernetes.restriction import Restriction
from pai.control.resolution import Resolution
from pai.control.snapshots import environment_dummies
from pai.control.views import tokens_of
from pai.ir.agent import Agent, AgentKey
from pai.ir.settings import Settings
from pai.ledger.balance import Balance
from pai.reconcile.kubernetes import Observed, Step, leaving_step, next_step, public_address
from pai.render.kubernetes import Facts, render
from pai.runtime.kubernetes.execute import Executor
from pai.runtime.kubernetes.inventory import Inventory
from pai.store.record import Record


class ClusterSide:
    """A `pai.control.side.Side` over a cluster. facts: the platform's side of every pod."""

    def __init__(
        self,
        *,
        inventory: Inventory,
        executor: Executor,
        refusals: Refusals,
        restriction: Restriction,
        identities: Identities,
        settings: Settings,
        facts: Facts,
        now: Callable[[], datetime],
    ) -> None:
        self._inventory = inventory
        self._executor = executor
        self._refusals = refusals
        self._restriction = restriction
        self._identities = identities
        self._settings = settings
        self._facts = facts
        self._now = now

    async def look(
        self,
        record: Record,
        resolution: Resolution | None,
        agent: Agent | None,
        balances: Mapping[str, Balance],
    ) -> Step:
        """Read the mirrors and think; nothing is changed."""
        key = AgentKey(record.key.namespace, record.key.name)
        observed = self._inventory.observed(key)
        around = surroundings(
            record, resolution, self._settings, public_address(observed.objects.values()), balances
        )
        if agent is None:
            return leaving_step(observed, self._now(), around)
        facts = self._facts_of(agent)
        desired = render(self._stored_where_set(agent), facts)
        observed = await self._refused(agent, observed)
        step = next_step(agent, desired, observed, self._now(), around, restricted=facts.restricted)
        used, reserved = tokens_of(record, balances)
        status = msgspec.structs.replace(step.status, tokens_today=used, tokens_reserved=reserved)
        return msgspec.structs.replace(step, status=status)

    async def keep(self, record: Record, sight: Step) -> None:
        """Keep nothing: the cluster itself counts failures and backs off."""

    async def act(self, record: Record, sight: Step) -> None:
        """Carry out the actions in order; a name that is another's ends the round."""
        key = AgentKey(record.key.namespace, record.key.name)
        for action in sight.actions:
            if not await self._executor.execute(key, action):
                return

    async def sweep(self, key: AgentKey) -> float | None:
        """Leave what is left to the cluster: everything of an agent names it as its owner."""
        self._inventory.forget_foreign(key)
        return None

    async def forget(self, key: AgentKey, record: Record) -> None:
        """Drop what is remembered of an agent that is gone."""
        self._inventory.forget_foreign(key)

    async def present(self) -> Collection[AgentKey]:
        """Return every agent of which the cluster holds something; others' names are asked anew."""
        for key in self._inventory.agents():
            self._inventory.forget_foreign(key)
        return self._inventory.agents()

    async def events(self) -> AsyncIterator[AgentKey | None]:
        """Yield each agent to look at again; None (first of all) = look at every one."""
        waiting: asyncio.Queue[AgentKey | None] = asyncio.Queue()
        waiting.put_nowait(None)

        def relabelled(namespace: str) -> None:
            for key in self._inventory.agents():
                if key.namespace == namespace:
                    waiting.put_nowait(key)

        with self._inventory.told(waiting.put_nowait), self._restriction.told(relabelled):
            while True:
                yield await waiting.get()

    def _stored_where_set(self, agent: Agent) -> Agent:
        """Return the agent with the platform's storage class where it names none."""
        chosen = agent.pod.storage_class_name or self._settings.replica_storage_class
        pod = msgspec.structs.replace(agent.pod, storage_class_name=chosen)
        return msgspec.structs.replace(agent, pod=pod)

    def _facts_of(self, agent: Agent) -> Facts:
        return msgspec.structs.replace(
            self._facts,
            url=url_of(agent, self._settings),
            dummies=environment_dummies(agent, self._identities),
            restricted=self._settings.restricted or self._restriction.of(agent.key.namespace),
        )

    async def _refused(self, agent: Agent, observed: Observed) -> Observed:
        """Add why the cluster makes fewer pods than are wanted."""
        if len(observed.pods) >= agent.desired_replicas:
            return observed
        texts = await self._refusals.of(agent.key, observed.objects.values())
        return msgspec.structs.replace(observed, refusals=texts)
