"""PostgreSQL's errors, sorted by who can act, in one line and without a secret."""

import psycopg

from pai.errors import PaiError, SpecError, TransientError
from pai.postgres.address import DatabaseUrl

# SQLSTATE classes and codes that have a way out worth naming. Longest match counts.
# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
_HINTS = {
    "08": "is the server up, and does a firewall let control reach it?",
    "25006": "this server is a standby; name the primary, or all of them as HOST1,HOST2",
    "28": "check user, password and pg_hba.conf",
    "3D000": "create the database and grant it to the user of the URL",
    "42501": "grant the user of the URL the right to create tables in its schema",
    "53": "the server is out of space, memory or connections",
    "55P03": "another control replica holds the lock; it is given back within seconds",
    "57": "the server was stopped, or gave up on the statement; it is tried again",
}


def translated(error: psycopg.Error, what: str, url: DatabaseUrl) -> PaiError:
    """Return our error for PostgreSQL's; what: whose database, at the start of the text."""
    lines = url.without_secrets(str(error)).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    if isinstance(error, psycopg.DataError):
        return SpecError(f"{what}: PostgreSQL can't hold this: {text}")
    return TransientError(f"{what}: PostgreSQL: {text}", hint=_hint(error.sqlstate))


def _hint(sqlstate: str | None) -> str | None:
    if sqlstate is None:  # nobody answered
        return _HINTS["08"]
    return _HINTS.get(sqlstate) or _HINTS.get(sqlstate[:2])
