"""Logs of agents' containers, and commands in them, by replica number."""

from collections.abc import AsyncIterator, Sequence

from pai.errors import NotFoundError
from pai.ir.agent import AgentKey
from pai.kube import Kube
from pai.reconcile.kubernetes.pods import numbered
from pai.render.containers import Step
from pai.runtime.kubernetes.inventory import Inventory
from pai.runtime.protocol import ExecSession, LogChunk


class Streams:
    """Finds the pod of a replica and speaks to its containers."""

    def __init__(self, kube: Kube, inventory: Inventory) -> None:
        self._kube = kube
        self._inventory = inventory

    async def logs(
        self,
        key: AgentKey,
        replica: int,
        step: Step = "agent",
        *,
        follow: bool = False,
        tail: int | None = None,
    ) -> AsyncIterator[LogChunk]:
        """Yield what a container wrote; with `follow`, until it ends. Raises NotFoundError."""
        pod = self._pod(key, replica)
        async for data in self._kube.logs(key.namespace, pod, step, follow=follow, tail=tail):
            yield LogChunk("stdout", data)  # a cluster keeps both channels as one

    async def exec(
        self, key: AgentKey, replica: int, command: Sequence[str], *, tty: bool = False
    ) -> ExecSession:
        """Start a command in an agent's container. Raises NotFoundError when none runs."""
        pod = self._pod(key, replica)
        return await self._kube.exec(key.namespace, pod, "agent", command, tty=tty)

    def _pod(self, key: AgentKey, replica: int) -> str:
        pods = numbered(self._inventory.observed(key).pods)
        if replica not in pods:
            raise NotFoundError(
                f"{key}: no replica {replica}",
                hint=f"there are {', '.join(map(str, sorted(pods)))}" if pods else None,
            )
        return str(pods[replica]["metadata"]["name"])
