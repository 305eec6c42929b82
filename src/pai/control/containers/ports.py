"""Host ports of agents with `inbound`: one each, the same for as long as the agent exists."""

import socket
from collections.abc import Callable

from pai.errors import TransientError
from pai.ir.agent import AgentKey
from pai.store.protocol import Store

_SCOPE = "ports"
_LAST_PORT = 65535


class Ports:
    """Gives out ports from `first` on and remembers them in the store.

    address: where they will be bound. free: says whether a port can be bound now.
    """

    def __init__(
        self,
        store: Store,
        first: int,
        address: str,
        free: Callable[[str, int], bool] | None = None,
    ) -> None:
        self._store = store
        self._first = first
        self._address = address
        self._free = free or can_bind
        self._ports: dict[AgentKey, int] = {}

    async def load(self) -> None:
        """Read what was given out."""
        for name, note in (await self._store.notes(_SCOPE)).items():
            namespace, _, agent = name.partition("/")
            self._ports[AgentKey(namespace, agent)] = int(note["port"])

    def get(self, key: AgentKey) -> int | None:
        """Return an agent's port, None when it has none."""
        return self._ports.get(key)

    async def assign(self, key: AgentKey) -> int:
        """Return an agent's port, given out now if need be. Raises TransientError."""
        if key not in self._ports:
            port = self._unused()
            self._ports[key] = port  # before the write: nobody else may take it meanwhile
            try:
                await self._store.write_note(_SCOPE, str(key), {"port": port})
            except BaseException:
                del self._ports[key]
                raise
        return self._ports[key]

    async def release(self, key: AgentKey) -> None:
        """Take back the port of an agent that is gone."""
        if key in self._ports:
            await self._store.write_note(_SCOPE, str(key), None)
            del self._ports[key]

    def _unused(self) -> int:
        taken = set(self._ports.values())
        for port in range(self._first, _LAST_PORT + 1):
            if port not in taken and self._free(self._address, port):
                return port
        raise TransientError(
            f"no free port from {self._first} on", hint="set agentPortsFrom to a lower port"
        )


def can_bind(address: str, port: int) -> bool:
    """Say whether a TCP port can be bound now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((address, port))
        except OSError:
            return False
    return True
