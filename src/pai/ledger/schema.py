"""Tables of the ledger, as steps forward. SQL that SQLite and PostgreSQL both take."""

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
)
"""Each entry is one version; all that are missing run in one transaction. Never edit, only add."""

CREATE_VERSION = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"
