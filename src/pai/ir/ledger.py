"""What gateway workers and the ledger say to each other: leases and settlements.

Encoded as JSON (`msgspec.json`) for the two calls of the internal API, see docs/internals.md.
A subject is what has a daily budget: an agent or a model binding. A day is a UTC date.
"""

import msgspec


def agent_subject(agent_id: str) -> str:
    """Return the subject of an agent; agent_id: `namespace/name`."""
    return f"agent:{agent_id}"


def model_subject(binding_id: str) -> str:
    """Return the subject of a model binding; binding_id: `namespace/name`."""
    return f"model:{binding_id}"


def split_subject(subject: str) -> tuple[str, str]:
    """Return (kind, id) of a subject; kind: `agent` or `model`."""
    kind, _, identity = subject.partition(":")
    return kind, identity


class Need(msgspec.Struct, frozen=True, array_like=True):
    """What a worker is short of for one subject.

    known: tokens it knows to have been granted so far this day, in all. need: tokens it must get
    on top. wish: tokens it would like to get on top, at least `need`.
    """

    subject: str
    known: int
    need: int
    wish: int


class LeaseWant(msgspec.Struct, frozen=True):
    """Needs of one request: all of them are granted, or none."""

    day: str
    needs: tuple[Need, ...]


class LeaseCall(msgspec.Struct, frozen=True):
    """Ask for leases. Safe to repeat: `known` tells what an answer that got lost had granted."""

    worker: str
    wants: tuple[LeaseWant, ...]


class Lease(msgspec.Struct, frozen=True, array_like=True):
    """State of one subject after the call.

    granted: tokens this worker was granted this day, in all; only grows. free: tokens of the limit
    that nobody holds, None without a limit. running: tokens that live workers hold and may bring
    back; where all that was needed is granted, at least those. known: False when there is no such
    subject any more.
    """

    subject: str
    day: str
    granted: int
    free: int | None
    running: int
    known: bool = True


class LeaseAnswer(msgspec.Struct, frozen=True):
    """now: the ledger's clock in seconds since 1970, which alone says what day it is."""

    now: float
    leases: tuple[Lease, ...]


class Charge(msgspec.Struct, frozen=True, array_like=True):
    """Changes to a worker's lease on one subject since the last batch.

    spent: tokens used. over: part of `spent` that no reservation covered; it is added to the lease.
    returned: tokens given back unused.
    """

    subject: str
    day: str
    spent: int
    over: int
    returned: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What requests of one agent to one binding used on one day.

    cached is part of input, reasoning part of output. estimated: requests whose figures are our
    bound because the vendor gave none. Sums over requests: cost in millionths of a USD,
    milliseconds until the first byte and until the end.
    """

    agent: str
    model: str
    day: str
    requests: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    cost_microusd: int = 0
    estimated: int = 0
    first_byte_ms: int = 0
    duration_ms: int = 0


class SettleCall(msgspec.Struct, frozen=True):
    """One batch. (worker, sequence) is applied once, however often it is sent; 0 = nothing new."""

    worker: str
    sequence: int
    charges: tuple[Charge, ...] = ()
    usages: tuple[Usage, ...] = ()
    closing: bool = False


class SettleAnswer(msgspec.Struct, frozen=True):
    """wanted: subjects others are short of; what lies idle of them should be given back."""

    now: float
    sequence: int
    wanted: tuple[str, ...] = ()
