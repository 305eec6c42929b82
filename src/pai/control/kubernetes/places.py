"""Tell the edge where agents' pods are. Every replica of control does, whoever leads."""

from collections.abc import Callable
from datetime import datetime

from pai.control.publish import Publisher
from pai.control.snapshots import Place
from pai.ir.agent import AgentKey
from pai.reconcile.kubernetes import PodState, pod_states
from pai.render.containers import SIDECAR_PORT
from pai.runtime.kubernetes.inventory import Inventory


class Places:
    """Follows the inventory."""

    def __init__(
        self, inventory: Inventory, publisher: Publisher, now: Callable[[], datetime]
    ) -> None:
        self._inventory = inventory
        self._publisher = publisher
        self._now = now
        inventory.subscribe(self.look)

    def look(self, key: AgentKey) -> None:
        """Tell where an agent's replicas are now: those that serve, else those that explain."""
        pods = self._inventory.pods(key)
        states = [s for s in pod_states(0, pods, (), False, self._now()) if s.address]
        serving = [state for state in states if state.ready]
        chosen = serving or [state for state in states if state.started]
        self._publisher.set_place(key, _place(chosen) if chosen else None)


def _place(chosen: list[PodState]) -> Place:
    return Place(
        replicas=tuple(_at(state.address) for state in chosen),
        numbers=tuple(state.number for state in chosen),
    )


def _at(address: str) -> str:
    return f"[{address}]:{SIDECAR_PORT}" if ":" in address else f"{address}:{SIDECAR_PORT}"
