"""The ledger: what every agent and every model has spent, reserved and may still spend.

Control owns it and mounts `handle_leases` and `handle_settlements`; gateway workers are its only
callers. It lies in a SQLite file, or in PostgreSQL where several controls share it.
"""

from pai.ledger.balance import Balance
from pai.ledger.handlers import handle_leases, handle_settlements
from pai.ledger.opening import open_ledger
from pai.ledger.protocol import Ledger, LimitOf
from pai.ledger.sqlite import SqliteLedger

__all__ = [
    "Balance",
    "Ledger",
    "LimitOf",
    "SqliteLedger",
    "handle_leases",
    "handle_settlements",
    "open_ledger",
]
