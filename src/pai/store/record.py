"""The values that go in and out of a store."""

from typing import Any, Literal

import msgspec

Document = dict[str, Any]
Outcome = Literal["created", "configured", "unchanged", "deleted"]
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class ResourceKey(msgspec.Struct, frozen=True, order=True):
    """Identity of a resource of any kind."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class SecretEntry(msgspec.Struct, frozen=True, rename="camel"):
    """The name of one entry of a Secret and when its value was last changed."""

    name: str
    updated_at: str


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One resource as stored. Holds no secret value: `entries` are names.

    generation grows with `spec` only, resource_version with every write, over all resources.
    created_at, deleted_at: RFC 3339, UTC.
    """

    key: ResourceKey
    uid: str
    generation: int
    resource_version: int
    created_at: str
    spec: Document
    status: Document = {}
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    deleted_at: str | None = None
    delete_volumes: bool = False
    entries: tuple[SecretEntry, ...] = ()


class Put(msgspec.Struct, frozen=True, kw_only=True):
    """Create or replace a resource.

    values: the entries of a Secret, None for other kinds. expected: the resource version that
    must be stored; 0 = must not exist; None = whatever is there.
    """

    key: ResourceKey
    spec: Document
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    values: dict[str, str] | None = None
    expected: int | None = None

    def __repr__(self) -> str:
        return f"Put({self.key})"  # the default would print the values


class Delete(msgspec.Struct, frozen=True, kw_only=True):
    """Remove a resource.

    finalized: False only marks it (`deleted_at`), for kinds that leave something to clean up; True
    removes the row. uid: when given, another object of that name is left alone.
    """

    key: ResourceKey
    finalized: bool
    delete_volumes: bool = False
    uid: str | None = None


Write = Put | Delete


class Written(msgspec.Struct, frozen=True):
    """What one write of a commit did, and the resource after (of a removed one: before) it."""

    record: Record
    outcome: Outcome


class Change(msgspec.Struct, frozen=True):
    """One entry of the change log."""

    resource_version: int
    type: ChangeType
    record: Record


class Event(msgspec.Struct, frozen=True):
    """Something that happened to an agent; the same text again only raises `count`."""

    at: str
    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    count: int
