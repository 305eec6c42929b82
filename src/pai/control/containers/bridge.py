"""The engine's bridge: where sidecars find control and the gateway, and what they are told."""

import hashlib
from collections.abc import Awaitable, Callable

import msgspec

from pai.control.catalog import Catalog
from pai.control.containers.engine_door import EngineDoor
from pai.control.identity import Identities
from pai.control.pki import CONTROL_NAME
from pai.errors import NotFoundError
from pai.ir.agent import AgentKey
from pai.ir.settings import Settings
from pai.runtime.protocol import NetworkInfo

_SOURCE = "sidecar-bootstrap"
Found = Callable[[NetworkInfo], Awaitable[None]]


class Bridge:
    """Knows the platform's network once the engine was reached.

    found: called whenever the network's address is new; makes control listen there.
    """

    def __init__(
        self,
        catalog: Catalog,
        identities: Identities,
        settings: Settings,
        ca_pem: str,
        engine: Callable[[], EngineDoor],
        found: Found,
    ) -> None:
        self._catalog = catalog
        self._identities = identities
        self._settings = settings
        self._ca_pem = ca_pem
        self._engine = engine
        self._found = found
        self._network: NetworkInfo | None = None

    @property
    def version(self) -> str:
        """Return a digest of all that bootstrap files have in common."""
        common = f"{self._control_url()}\n{self._ca_pem}"
        return hashlib.sha256(common.encode()).hexdigest()[:16]

    async def network(self, *, anew: bool = False) -> NetworkInfo:
        """Return the network, made if need be. anew: look also if it is known.

        Raises EngineUnavailableError, and TransientError when control can't listen there.
        """
        if self._network is None or anew:
            network = await self._engine().use().ensure_network()
            if network != self._network:
                await self._found(network)
                self._network = network
        return self._network

    def secret_file(self, source: str, key: AgentKey, replica: int) -> bytes:
        """Return the bootstrap file of a replica's sidecar. Raises NotFoundError."""
        record = self._catalog.record(key)
        if source != _SOURCE or record is None:
            raise NotFoundError(f"{key}: no file {source!r} for it")
        bootstrap = {
            "control": self._control_url(),
            "ca_pem": self._ca_pem,
            "server_name": CONTROL_NAME,
            "credential": self._identities.sidecar_credential(record.uid, replica),
        }
        return msgspec.json.encode(bootstrap)

    def _control_url(self) -> str:
        address = self._network.gateway if self._network else ""
        host = f"[{address}]" if ":" in address else address
        return f"https://{host}:{self._settings.internal_port}"
