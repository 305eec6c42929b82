"""A resolver that asks the gateway: on a cluster no sidecar speaks to a nameserver.

What comes back is the gateway's word about a name. Whether an address may be dialled is decided
here all the same, by the dialler, as of any resolver's answer.
"""

import asyncio
from collections.abc import Mapping

import msgspec

from pai.wire.client import ClientPool
from pai.wire.dns import Cache, DnsFormatError, Found, NameRefusedError, Question, ResolveError
from pai.wire.dns.over_gateway import ANSWER_BYTES, answer_of, target_of
from pai.wire.dns.resolver import Resolver, bounded
from pai.wire.endpoint import Endpoint
from pai.wire.errors import PayloadTooLarge, UpstreamError
from pai.wire.message import Headers

ASK_SECONDS = 5.0
STALE_SECONDS = 3600.0
_FINAL = frozenset((400, 403))
_REASON_CHARACTERS = 300


class GatewayResolver(Resolver):
    """Finds addresses of names. near: the pool by which model calls reach the gateway.

    token: this agent's, for the gateway. cache: its maker's, as answers outlive snapshots.
    """

    def __init__(
        self,
        near: ClientPool,
        gateway: Endpoint,
        token: str,
        static_hosts: Mapping[str, str],
        cache: Cache,
    ) -> None:
        super().__init__((), static_hosts, cache=cache)
        self._near, self._gateway = near, gateway
        self._headers: Headers = [
            (b"authorization", b"Bearer " + token.encode()),
            (b"accept", b"application/json"),
        ]

    async def ask(self, question: Question) -> Found:
        """Ask the gateway.

        Raises ResolveError; NameRefusedError when it will never answer this.
        """
        try:
            target = target_of(question)
        except DnsFormatError as error:
            raise NameRefusedError(error.message) from None
        status, body = await self._get(question.name, target)
        if status != 200:
            kind = NameRefusedError if status in _FINAL else ResolveError
            raise kind(f"{question.name}: the gateway answers {status}: {_reason(body)}")
        try:
            return bounded(answer_of(body, question))
        except DnsFormatError as error:
            raise ResolveError(f"{question.name}: the gateway gives {error.message}") from None

    async def _get(self, name: str, target: bytes) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                response = await self._near.send(self._gateway, b"GET", target, self._headers)
                return response.head.status, await response.read(ANSWER_BYTES)
        except TimeoutError:
            reason = f"no answer of the gateway within {ASK_SECONDS:g} s"
        except PayloadTooLarge:
            reason = "an answer of the gateway that is too long"
        except UpstreamError as error:
            reason = f"the gateway is out of reach: {error.message}"
        raise ResolveError(f"{name}: {reason}")


def _reason(body: bytes) -> str:
    """Return what an error of the gateway says."""
    try:
        text = str(msgspec.json.decode(body)["error"]["message"])
    except (msgspec.DecodeError, LookupError, TypeError):
        return "without a reason"
    return "".join(filter(str.isprintable, text))[:_REASON_CHARACTERS]
