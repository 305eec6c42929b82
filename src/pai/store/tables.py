"""Tables of the store, as of the newest schema version (see `migrations`)."""

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

resources = Table(
    "resources",
    metadata,
    Column("kind", String, nullable=False),
    Column("namespace", String, nullable=False),
    Column("name", String, nullable=False),
    Column("uid", String, nullable=False, unique=True),
    Column("generation", Integer, nullable=False),
    Column("resource_version", Integer, nullable=False),
    Column("created_at", String, nullable=False),
    Column("deleted_at", String),
    Column("delete_volumes", Integer, nullable=False),
    Column("labels", String, nullable=False),
    Column("annotations", String, nullable=False),
    Column("spec", String, nullable=False),
    Column("status", String, nullable=False),
    PrimaryKeyConstraint("kind", "namespace", "name"),
)

secret_entries = Table(
    "secret_entries",
    metadata,
    Column("uid", String, nullable=False),
    Column("name", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("updated_at", String, nullable=False),
    PrimaryKeyConstraint("uid", "name"),
)

changes = Table(
    "changes",
    metadata,
    Column("resource_version", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("record", String, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("namespace", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("at", String, nullable=False),
    Column("type", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("message", String, nullable=False),
    Column("count", Integer, nullable=False),
    UniqueConstraint("namespace", "agent", "type", "reason", "message"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("namespace", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("record", String, nullable=False),
    Index("audit_by_agent", "namespace", "agent", "id"),
)

request_counts = Table(
    "request_counts",
    metadata,
    Column("namespace", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("day", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("requests", Integer, nullable=False),
    PrimaryKeyConstraint("namespace", "agent", "day", "provider"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", String, primary_key=True),
    Column("sha256", String, nullable=False, unique=True),
    Column("created_at", String, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("scope", String, nullable=False),
    Column("name", String, nullable=False),
    Column("document", String, nullable=False),
    PrimaryKeyConstraint("scope", "name"),
)
