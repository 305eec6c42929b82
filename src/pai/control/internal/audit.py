"""Audit records as sidecars send them: bounded, and attributed to who proved to send them. Pure."""

import re

import msgspec

from pai.errors import SpecError
from pai.ir.agent import AgentKey
from pai.ir.snapshot import AuditRecord

MAX_RECORDS = 1000
MAX_TEXT = 1024
_DECISIONS = frozenset({"allowed", "denied", "audited"})
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z", re.ASCII)
_TEXTS = ("reason", "host", "method", "path", "provider", "action", "resource", "rule")


class AuditBatch(msgspec.Struct):
    """Body of the audit call."""

    records: list[AuditRecord]


_decoder = msgspec.json.Decoder(AuditBatch)


def read_records(body: bytes) -> list[AuditRecord]:
    """Return the records of a body. Raises SpecError when it is not of that shape or too long."""
    try:
        records = _decoder.decode(body).records
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SpecError(f"body: {error}") from None
    if len(records) > MAX_RECORDS:
        raise SpecError(f"records: more than {MAX_RECORDS}")
    for record in records:
        if record.decision not in _DECISIONS:
            raise SpecError("records: an unknown decision")
    return records


def attributed(
    records: list[AuditRecord], agent: AgentKey, replica: int, now: str
) -> list[AuditRecord]:
    """Return the records as this replica's own, whatever they say; texts are bounded.

    now: RFC 3339; the time of records whose own is of another form or of the future.
    """
    return [
        msgspec.structs.replace(
            record,
            agent=agent.name,
            replica=replica,
            at=record.at if _plausible(record.at, now) else now,
            **{name: getattr(record, name)[:MAX_TEXT] for name in _TEXTS},
        )
        for record in records
    ]


def _plausible(at: str, now: str) -> bool:
    """Say whether a time has the usual form and is not of a day still to come."""
    return _TIME.fullmatch(at) is not None and at[:10] <= now[:10]
