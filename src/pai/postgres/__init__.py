"""How Pai speaks to PostgreSQL: where it is, a connection that never hangs, errors without secrets.

Used by the ledger and by the activity store; both keep what several control replicas share.
"""

from pai.postgres.address import DatabaseUrl, is_postgres
from pai.postgres.connection import BoundedConnection, begin, connect
from pai.postgres.errors import translated

__all__ = [
    "BoundedConnection",
    "DatabaseUrl",
    "begin",
    "connect",
    "is_postgres",
    "translated",
]
