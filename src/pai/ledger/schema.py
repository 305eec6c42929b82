"""Tables of the ledger, as steps forward."""

from collections.abc import Callable

from pai.errors import SpecError
from pai.ledger.sql import Db

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE worker (
            worker TEXT PRIMARY KEY,
            sequence BIGINT NOT NULL,
            seen_at DOUBLE PRECISION NOT NULL,
            closed INTEGER NOT NULL)""",
        """CREATE TABLE subject_day (
            subject TEXT NOT NULL,
            day TEXT NOT NULL,
            charged BIGINT NOT NULL,
            spent BIGINT NOT NULL,
            PRIMARY KEY (subject, day))""",
        """CREATE TABLE lease (
            subject TEXT NOT NULL,
            day TEXT NOT NULL,
            worker TEXT NOT NULL,
            granted BIGINT NOT NULL,
            overdraft BIGINT NOT NULL,
            returned BIGINT NOT NULL,
            spent BIGINT NOT NULL,
            PRIMARY KEY (subject, day, worker),
            CHECK (granted + overdraft - returned >= spent))""",
        """CREATE TABLE usage_day (
            agent TEXT NOT NULL,
            model TEXT NOT NULL,
            day TEXT NOT NULL,
            requests BIGINT NOT NULL,
            input BIGINT NOT NULL,
            cached BIGINT NOT NULL,
            output BIGINT NOT NULL,
            reasoning BIGINT NOT NULL,
            cost_microusd BIGINT NOT NULL,
            estimated BIGINT NOT NULL,
            first_byte_ms BIGINT NOT NULL,
            duration_ms BIGINT NOT NULL,
            PRIMARY KEY (agent, model, day))""",
    ),
    (
        """CREATE TABLE wanted (
            subject TEXT PRIMARY KEY,
            worker TEXT NOT NULL,
            since DOUBLE PRECISION NOT NULL)""",
    ),
)
"""Each entry is one version; all that are missing run in one transaction. Never edit, only add."""

_CREATE_VERSION = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"


def migrate(db: Db, spelt: Callable[[str], str] = str) -> None:
    """Bring the tables forward to the newest version, in the caller's write transaction.

    spelt: how this database spells a statement. Raises SpecError for tables of a newer program.
    """
    db.execute(_CREATE_VERSION)
    row = db.execute("SELECT MAX(version) FROM schema_version").fetchone()
    version = row[0] or 0
    if version > len(MIGRATIONS):
        raise SpecError(
            f"ledger: its version {version} is newer than this program's {len(MIGRATIONS)}",
            hint="start the version of pai that wrote it, or a newer one",
        )
    for step in MIGRATIONS[version:]:
        for statement in step:
            db.execute(spelt(statement))
    if version < len(MIGRATIONS):
        db.execute("INSERT INTO schema_version VALUES (?)", (len(MIGRATIONS),))
