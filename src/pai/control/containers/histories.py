"""Failure counts of containers, kept over restarts of control; written only when they change."""

import msgspec

from pai.ir.agent import AgentKey
from pai.reconcile import History
from pai.store.protocol import Store

_SCOPE = "history"


class Histories:
    """One `History` an agent, for the agent that has a certain uid."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[AgentKey, tuple[str, History]] = {}

    async def load(self) -> None:
        """Read what is kept; what can't be read counts as nothing."""
        for name, note in (await self._store.notes(_SCOPE)).items():
            namespace, _, agent = name.partition("/")
            try:
                history = msgspec.convert(note["history"], History)
            except (msgspec.ValidationError, KeyError):
                continue
            self._known[AgentKey(namespace, agent)] = (str(note.get("uid")), history)

    def of(self, key: AgentKey, uid: str) -> History:
        """Return an agent's history; one made anew under its name starts clean."""
        known = self._known.get(key)
        return known[1] if known and known[0] == uid else History()

    def failures(self, key: AgentKey, uid: str) -> dict[str, int]:
        """Return the failures in a row of each of an agent's containers, by name."""
        return {name: record.failures for name, record in self.of(key, uid).records.items()}

    async def keep(self, key: AgentKey, uid: str, history: History) -> None:
        """Write a history unless it is as it was."""
        if self.of(key, uid) == history:
            return
        note = {"uid": uid, "history": msgspec.to_builtins(history)}
        await self._store.write_note(_SCOPE, str(key), note)
        self._known[key] = (uid, history)

    async def forget(self, key: AgentKey) -> None:
        """Drop the history of an agent that is gone."""
        if self._known.pop(key, None) is not None:
            await self._store.write_note(_SCOPE, str(key), None)
