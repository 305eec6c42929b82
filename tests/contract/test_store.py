"""What every store promises; one text, every implementation."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pai.errors import ConflictError, NotFoundError
from pai.ir.agent import AgentKey
from pai.ir.snapshot import AuditRecord
from pai.store.errors import VersionGoneError
from pai.store.instance_key import InstanceKey
from pai.store.protocol import Store
from pai.store.record import Change, Delete, Document, Event, Put, ResourceKey
from pai.store.sqlite import SqliteStore

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
AGENT = ResourceKey("AgentWorkload", "default", "writer")
SECRET = ResourceKey("Secret", "default", "keys")
KEY = AgentKey("default", "writer")
SPECS: dict[str, Document] = {
    "AgentWorkload": {"image": "a"},
    "Provider": {"type": "telegram"},
    "Secret": {},
}


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made = SqliteStore(tmp_path / "pai.db", InstanceKey(b"k" * 32))
    await made.open()
    yield made
    await made.close()


def put(key: ResourceKey = AGENT, **more: object) -> Put:
    return Put(key=key, **{"spec": SPECS[key.kind], **more})  # type: ignore[arg-type]


async def newest(store: Store) -> int:
    return (await store.find(None, None))[1]


async def test_a_new_resource_gets_identity_and_times(store: Store) -> None:
    [written] = await store.commit([put(labels={"a": "b"})], NOW)
    record = written.record
    assert written.outcome == "created"
    assert record.generation == 1
    assert record.uid and record.resource_version > 0 and record.labels == {"a": "b"}
    assert await store.get(AGENT) == record
    records, version = await store.find("AgentWorkload", "default")
    assert records == [record] and await store.changes(version, 10) == []
    assert (await store.find("AgentWorkload", "other"))[0] == []
    assert (await store.find("Secret", None))[0] == []
    assert (await store.find(None, None))[0] == [record]


async def test_times_are_those_of_the_writer(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "pai.db", InstanceKey(b"k" * 32))
    await store.open()
    [made] = await store.commit([put()], NOW)
    [gone] = await store.commit([Delete(key=AGENT, finalized=False)], LATER)
    assert made.record.created_at == "2026-05-01T12:00:00Z"
    assert gone.record.deleted_at == "2026-05-01T13:00:00Z"
    await store.close()


async def test_generation_grows_with_the_spec_only(store: Store) -> None:
    [first] = await store.commit([put()], NOW)
    [same] = await store.commit([put()], LATER)
    assert same.outcome == "unchanged" and same.record == first.record
    [labelled] = await store.commit([put(labels={"x": "y"})], LATER)
    assert (labelled.outcome, labelled.record.generation) == ("configured", 1)
    assert labelled.record.resource_version > first.record.resource_version
    [changed] = await store.commit([put(spec={"image": "b"})], LATER)
    assert (changed.outcome, changed.record.generation) == ("configured", 2)
    assert changed.record.uid == first.record.uid
    assert changed.record.created_at == first.record.created_at


async def test_status_is_a_write_of_its_own(store: Store) -> None:
    [first] = await store.commit([put()], NOW)
    assert await store.write_status(AGENT, first.record.uid, {"phase": "Running"})
    record = await store.get(AGENT)
    assert record is not None
    assert (record.generation, record.status) == (1, {"phase": "Running"})
    assert record.resource_version > first.record.resource_version
    assert not await store.write_status(AGENT, first.record.uid, {"phase": "Running"})
    assert not await store.write_status(AGENT, "another-uid", {"phase": "Failed"})
    [again] = await store.commit([put(spec={"image": "b"})], NOW)
    assert again.record.status == {"phase": "Running"}


async def test_expectations_are_kept(store: Store) -> None:
    [first] = await store.commit([put(expected=0)], NOW)
    with pytest.raises(ConflictError, match="exists already"):
        await store.commit([put(expected=0)], NOW)
    version = first.record.resource_version
    await store.commit([put(spec={"image": "b"}, expected=version)], NOW)
    with pytest.raises(ConflictError, match="changed by someone else"):
        await store.commit([put(spec={"image": "c"}, expected=version)], NOW)
    with pytest.raises(ConflictError, match="deleted since"):
        await store.commit([put(ResourceKey("Provider", "default", "x"), expected=3)], NOW)


async def test_a_commit_is_all_or_nothing(store: Store) -> None:
    await store.commit([put()], NOW)
    before = await store.find(None, None)
    start = before[1]
    other = put(ResourceKey("Provider", "default", "p"))
    with pytest.raises(ConflictError):
        await store.commit([other, put(SECRET, values={"token": "v"}), put(expected=0)], NOW)
    assert await store.find(None, None) == before
    assert await store.secret_values(SECRET) == {}
    assert await store.changes(start, 100) == []


async def test_a_dry_run_changes_nothing(store: Store) -> None:
    start = await newest(store)
    [written] = await store.commit([put(SECRET, values={"a": "b"})], NOW, dry_run=True)
    assert written.outcome == "created"
    assert await store.find(None, None) == ([], start)
    assert await store.secret_values(SECRET) == {}
    assert await store.changes(start, 10) == []


async def test_deletion_has_two_steps(store: Store) -> None:
    [made] = await store.commit([put()], NOW)
    await store.commit([Delete(key=AGENT, finalized=False)], NOW)
    record = await store.get(AGENT)
    assert record is not None
    assert (record.deleted_at, record.delete_volumes) == ("2026-05-01T12:00:00Z", False)
    await store.commit([Delete(key=AGENT, finalized=False, delete_volumes=True)], LATER)
    record = await store.get(AGENT)
    assert record is not None
    assert (record.deleted_at, record.delete_volumes) == ("2026-05-01T12:00:00Z", True)
    with pytest.raises(ConflictError, match="being deleted"):
        await store.commit([put(spec={"image": "b"})], LATER)
    with pytest.raises(NotFoundError):
        await store.commit([Delete(key=AGENT, finalized=True, uid="other")], LATER)
    await store.commit([Delete(key=AGENT, finalized=True, uid=made.record.uid)], LATER)
    assert await store.get(AGENT) is None
    with pytest.raises(NotFoundError):
        await store.commit([Delete(key=AGENT, finalized=True)], LATER)
    [again] = await store.commit([put()], LATER)
    assert again.record.uid != made.record.uid


async def test_secrets_open_again_and_show_only_names(store: Store) -> None:
    [made] = await store.commit([put(SECRET, spec={}, values={"b": "two", "a": "one"})], NOW)
    assert [(entry.name, entry.updated_at) for entry in made.record.entries] == [
        ("a", "2026-05-01T12:00:00Z"),
        ("b", "2026-05-01T12:00:00Z"),
    ]
    assert await store.secret_values(SECRET) == {"a": "one", "b": "two"}
    [same] = await store.commit([put(SECRET, spec={}, values={"a": "one", "b": "two"})], LATER)
    assert same.outcome == "unchanged"
    [new] = await store.commit([put(SECRET, spec={}, values={"a": "ONE", "c": "3"})], LATER)
    assert new.outcome == "configured" and new.record.generation == 1
    assert await store.secret_values(SECRET) == {"a": "ONE", "c": "3"}
    [mixed] = await store.commit([put(SECRET, spec={}, values={"a": "ONE", "c": "4"})], NOW)
    assert [entry.updated_at for entry in mixed.record.entries] == [
        "2026-05-01T13:00:00Z",
        "2026-05-01T12:00:00Z",
    ]
    await store.commit([Delete(key=SECRET, finalized=True)], LATER)
    assert await store.secret_values(SECRET) == {}


async def test_watchers_see_every_change_in_order(store: Store) -> None:
    heard: list[Change] = []
    start = await newest(store)
    stop = store.subscribe(heard.extend)
    [made] = await store.commit([put()], NOW)
    await store.commit([put()], NOW)
    await store.write_status(AGENT, made.record.uid, {"phase": "Pending"})
    await store.commit([put(spec={"image": "b"})], NOW)
    await store.commit([Delete(key=AGENT, finalized=True)], NOW)
    changes = await store.changes(start, 100)
    assert [change.type for change in changes] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    assert [change.record.spec["image"] for change in changes] == ["a", "a", "b", "b"]
    versions = [change.resource_version for change in changes]
    assert versions == sorted(set(versions))
    assert heard == changes
    assert await store.changes(versions[1], 1) == [changes[2]]
    assert await store.changes(versions[-1], 10) == []
    stop()
    await store.commit([put()], NOW)
    assert heard == changes


async def test_a_watch_from_beyond_the_log_is_gone(store: Store) -> None:
    with pytest.raises(VersionGoneError):
        await store.changes(5, 10)


async def test_events_are_counted_not_repeated(store: Store) -> None:
    await store.commit([put()], NOW)
    pull = Event("2026-05-01T12:00:00Z", "Normal", "Pulling", "image a", 1)
    fail = Event("2026-05-01T12:00:01Z", "Warning", "Exited", "code 1", 1)
    again = Event("2026-05-01T12:00:02Z", "Normal", "Pulling", "image a", 1)
    for event in (pull, fail, again):
        await store.record_event(KEY, event)
    found = await store.events(KEY)
    assert [(event.reason, event.count) for event in found] == [("Exited", 1), ("Pulling", 2)]
    assert await store.events(AgentKey("default", "other")) == []
    for number in range(150):
        await store.record_event(
            KEY, Event(f"2026-05-02T00:00:00.{number:03}Z", "Normal", "N", f"{number}", 1)
        )
    found = await store.events(KEY)
    assert len(found) == 100 and found[-1].message == "149"


async def test_audit_is_bounded_per_agent_and_counted(store: Store) -> None:
    other = AgentKey("default", "other")
    await store.add_audit(other, [audit("other", "kept")])
    for batch in range(5):
        records = [audit("writer", f"{batch}-{number}", provider="svc") for number in range(500)]
        await store.add_audit(KEY, records)
    await store.add_audit(KEY, [])
    assert len(await store.audit("default", "writer", 5000)) == 2000
    assert [r.reason for r in await store.audit("default", "writer", 2)] == ["4-498", "4-499"]
    assert len(await store.audit("default", None, 5000)) == 2001
    assert await store.audit("elsewhere", None, 10) == []
    assert await store.requests_on(KEY, "2026-05-01") == {"svc": 2500}
    assert await store.requests_on(KEY, "2026-05-02") == {}
    await store.forget(KEY)
    assert len(await store.audit("default", "writer", 10)) == 10
    assert await store.events(KEY) == []
    assert await store.requests_on(KEY, "2026-05-01") == {}
    assert len(await store.audit("default", "other", 10)) == 1


async def test_tokens_are_kept_as_hashes(store: Store) -> None:
    await store.add_token("first", "ab" * 32, NOW)
    await store.add_token("first", "cd" * 32, NOW)
    assert await store.token_hashes() == {"first": "cd" * 32}


async def test_notes_come_back_and_go(store: Store) -> None:
    assert await store.note("history", "a") is None
    await store.write_note("history", "a", {"restarts": 1})
    await store.write_note("history", "a", {"restarts": 2})
    await store.write_note("ports", "a", {"port": 1})
    assert await store.note("history", "a") == {"restarts": 2}
    await store.write_note("history", "a", None)
    assert await store.notes("history") == {}
    assert await store.notes("ports") == {"a": {"port": 1}}


def audit(agent: str, reason: str, provider: str = "") -> AuditRecord:
    return AuditRecord(
        at="2026-05-01T12:00:00Z",
        agent=agent,
        replica=0,
        decision="allowed",
        reason=reason,
        provider=provider,
    )
