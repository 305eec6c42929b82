"""Ask sidecars whether their replica is ready."""

import asyncio
from collections.abc import Mapping

import httpx
import msgspec

from pai.reconcile import Readiness
from pai.render.containers import SIDECAR_PORT

_ASK_SECONDS = 1.0


class _Answer(msgspec.Struct):
    sidecar: bool = False
    inbound: bool | None = None


class Prober:
    """Asks `/.pai/ready` of sidecars, all of an agent at once."""

    def __init__(self) -> None:
        # Proxy variables are for the outside; sidecars are on this machine's bridge.
        self._http = httpx.AsyncClient(timeout=_ASK_SECONDS, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, addresses: Mapping[int, str], edge_token: str) -> dict[int, Readiness]:
        """Return what each replica's sidecar says; one that does not answer is not ready."""
        numbers = sorted(addresses)
        found = await asyncio.gather(*(self._one(addresses[n], edge_token) for n in numbers))
        return dict(zip(numbers, found, strict=True))

    async def _one(self, address: str, edge_token: str) -> Readiness:
        url = f"http://{address}:{SIDECAR_PORT}/.pai/ready"
        try:
            response = await self._http.get(url, headers={"x-pai-edge": edge_token})
            if response.status_code != httpx.codes.OK:
                return Readiness()
            answer = msgspec.json.decode(response.content, type=_Answer)
        except (httpx.HTTPError, msgspec.DecodeError):
            return Readiness()
        return Readiness(sidecar=answer.sidecar, inbound=answer.inbound)
