"""Token budgets, the thinking: bounds, reservations, leases, waiting, prices. Pure.

Called by the gateway, which adds clock and network, and by the ledger.
"""
