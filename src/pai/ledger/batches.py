"""Apply one settlement batch inside a transaction; refuse calls whose figures can't be true."""

from pai.errors import SpecError
from pai.ir.ledger import LeaseCall, SettleCall
from pai.ledger import rows
from pai.ledger.sql import Db
from pai.ledger.usage_rows import SUMS, add_usages

_MOST = 2**53  # a figure beyond this is not a token count


def check_needs(call: LeaseCall) -> None:
    """Refuse needs that can't be true."""
    for want in call.wants:
        if len({need.subject for need in want.needs}) < len(want.needs):
            raise SpecError("wants: one of them needs the same subject twice")
        for need in want.needs:
            counts = (need.known, need.need, need.wish)
            if min(counts) < 0 or max(counts) > _MOST:
                raise SpecError(f"wants: impossible figures for {need.subject}")


def check_batch(call: SettleCall) -> None:
    """Refuse figures that can't be true, before anything is written."""
    for charge in call.charges:
        counts = (charge.spent, charge.over, charge.returned)
        if min(counts) < 0 or max(counts) > _MOST or charge.over > charge.spent:
            raise SpecError(f"charges: impossible figures for {charge.subject}")
    for usage in call.usages:
        sums = tuple(getattr(usage, column) for column in SUMS)
        if min(sums) < 0 or max(sums) > _MOST:
            raise SpecError(f"usages: impossible figures for {usage.agent}")
    if call.sequence <= 0:
        raise SpecError("sequence: a batch with content starts at 1")


def apply_batch(db: Db, call: SettleCall, now: float) -> None:
    """Apply a batch, unless its sequence number says that it was applied before."""
    rows.see_worker(db, call.worker, now, closed=call.closing)
    if rows.take_sequence(db, call.worker, call.sequence):
        _apply_charges(db, call)
        add_usages(db, call.usages)


def _apply_charges(db: Db, call: SettleCall) -> None:
    """Move a worker's leases on.

    What was spent always counts, also when the lease is not known here (a ledger restored from an
    older copy); more than is held can't be given back.
    """
    keys = [(charge.subject, charge.day, call.worker) for charge in call.charges]
    known = rows.leases(db, keys)
    for key, charge in zip(keys, call.charges, strict=True):
        lease = known[key]
        if lease is None:
            rows.add_grant(db, *key, 0)
        held, before = lease or rows.Held(0, 0)
        spent = before + charge.spent
        over = max(charge.over, spent - held)
        returned = min(charge.returned, held + over - spent)
        rows.move_lease(db, key, spent, over, returned)
        rows.add_to_day(db, charge.subject, charge.day, over - returned, charge.spent)
        known[key] = rows.Held(held + over - returned, spent)
