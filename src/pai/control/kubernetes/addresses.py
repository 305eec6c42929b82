"""Where sidecars, gateway and edge find control and the gateway: the addresses of two Services.

Literal addresses, so that no name has to be resolved before a process may trust anything.
"""

import hashlib
from typing import NamedTuple

import msgspec

from pai.control.identity import Identities
from pai.control.pki import CONTROL_NAME
from pai.errors import TransientError
from pai.kube import Kube
from pai.kube.kinds import SERVICE_CIDRS, SERVICES
from pai.render.labels import MANAGED_BY
from pai.runtime.kubernetes.execute import MANAGER, encoded

CONTROL_SERVICE, GATEWAY_SERVICE = "pai-control", "pai-gateway"
CONTROL_PORT, GATEWAY_PORT = 8010, 8443
METRICS_SECRET = "pai-metrics"
_ROLES = ("gateway", "edge")


class Addresses(NamedTuple):
    """Base URLs with literal addresses."""

    control: str
    gateway: str

    @property
    def version(self) -> str:
        """Return a digest that changes whenever bootstrap files have to."""
        return hashlib.sha256(self.control.encode()).hexdigest()[:16]


async def find_addresses(kube: Kube, namespace: str) -> Addresses:
    """Return the addresses of the platform's Services. Raises TransientError while one lacks."""
    control = await _address(kube, namespace, CONTROL_SERVICE)
    gateway = await _address(kube, namespace, GATEWAY_SERVICE)
    return Addresses(f"https://{control}:{CONTROL_PORT}", f"https://{gateway}:{GATEWAY_PORT}")


class Ranges(NamedTuple):
    """Where a cluster's own things are. services: CIDRs; api_server: addresses as CIDRs."""

    services: tuple[str, ...]
    api_server: tuple[str, ...]


async def find_ranges(kube: Kube) -> Ranges:
    """Return what the cluster says of its own addresses."""
    found, _ = await kube.list(SERVICE_CIDRS)
    services = sorted({cidr for item in found for cidr in item["spec"].get("cidrs") or ()})
    server = await kube.get(SERVICES, "kubernetes", "default")
    addresses = ((server or {}).get("spec") or {}).get("clusterIPs") or ()
    blocks = tuple(f"{address}/{128 if ':' in address else 32}" for address in addresses)
    return Ranges(tuple(services), blocks)


class Bootstraps:
    """Makes the bootstrap files; what is in them never enters a manifest or a log."""

    def __init__(self, addresses: Addresses, ca_pem: str, identities: Identities) -> None:
        self._addresses = addresses
        self._ca_pem = ca_pem
        self._identities = identities

    @property
    def version(self) -> str:
        """Return a digest of all that sidecars' files have in common."""
        common = f"{self._addresses.control}\n{self._ca_pem}"
        return hashlib.sha256(common.encode()).hexdigest()[:16]

    def sidecar(self, uid: str) -> str:
        """Return the file of an agent's sidecars; all of its replicas share one credential."""
        return self._file(self._identities.sidecar_credential(uid, 0))

    async def put_roles(self, kube: Kube, namespace: str) -> None:
        """Write the Secrets that gateway and edge start with, and the one that scrapers show."""
        contents = {
            f"pai-{role}-bootstrap": {
                "bootstrap.json": self._file(self._identities.role_credential(role))
            }
            for role in _ROLES
        }
        contents[METRICS_SECRET] = {"token": self._identities.metrics_token()}
        for name, content in contents.items():
            await kube.apply(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {
                        "name": name,
                        "namespace": namespace,
                        "labels": {MANAGED_BY: "pai"},
                    },
                    "type": "Opaque",
                    "data": encoded(content),
                },
                manager=MANAGER,
            )

    def _file(self, credential: str) -> str:
        content = {
            "control": self._addresses.control,
            "ca_pem": self._ca_pem,
            "server_name": CONTROL_NAME,
            "credential": credential,
        }
        return msgspec.json.encode(content).decode()


async def _address(kube: Kube, namespace: str, name: str) -> str:
    found = await kube.get(SERVICES, name, namespace)
    address = str(((found or {}).get("spec") or {}).get("clusterIP") or "")
    if not address or address == "None":
        raise TransientError(
            f"Service {namespace}/{name} has no address",
            hint="pai install kubernetes makes it",
        )
    return f"[{address}]" if ":" in address else address
