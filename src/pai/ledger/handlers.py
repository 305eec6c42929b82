"""The two calls of the internal API, as bytes in and bytes out: control mounts them."""

from typing import TypeVar

import msgspec

from pai.errors import SpecError
from pai.ir.ledger import LeaseCall, SettleCall
from pai.ledger.protocol import Ledger, LimitOf

_Call = TypeVar("_Call", LeaseCall, SettleCall)
_lease_calls = msgspec.json.Decoder(LeaseCall)
_settle_calls = msgspec.json.Decoder(SettleCall)


def handle_leases(ledger: Ledger, body: bytes, limit_of: LimitOf, now: float) -> bytes:
    """Answer `POST leases`. Raises SpecError for a bad body, TransientError when out of reach."""
    return msgspec.json.encode(ledger.grant(_decoded(_lease_calls, body), limit_of, now))


def handle_settlements(ledger: Ledger, body: bytes, now: float) -> bytes:
    """Answer `POST settlements`. Raises as `handle_leases` does."""
    return msgspec.json.encode(ledger.settle(_decoded(_settle_calls, body), now))


def _decoded(decoder: "msgspec.json.Decoder[_Call]", body: bytes) -> _Call:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SpecError(f"body: {error}") from error
