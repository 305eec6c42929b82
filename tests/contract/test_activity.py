"""What a store of activity promises on each of its databases; one text for all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pai.errors import TransientError
from pai.ir.agent import AgentKey
from pai.ir.snapshot import AuditRecord
from pai.store import activity
from pai.store.activity_store import ActivityStore
from pai.store.instance_key import InstanceKey
from pai.store.record import Event
from pai.store.sqlite import SqliteStore

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = AgentKey("default", "writer")
OTHER = AgentKey("default", "other")
AT = "2026-05-01T12:00:00Z"


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store may lie: a file, or a PostgreSQL URL."""
    if request.param == "sqlite":
        return str(tmp_path / "activity.db")
    new: Callable[[], str] = request.getfixturevalue("new_database")
    return new()


@pytest.fixture
async def store(place: str) -> AsyncIterator[ActivityStore]:
    made = ActivityStore(place)
    await made.open()
    yield made
    await made.close()


def event(at: str = AT, reason: str = "Pulling", message: str = "image a") -> Event:
    return Event(at, "Normal", reason, message, 1)


def audit(agent: AgentKey, reason: str, *, provider: str = "", at: str = AT) -> AuditRecord:
    return AuditRecord(
        at=at, agent=agent.name, replica=0, decision="allowed", reason=reason, provider=provider
    )


async def test_events_are_counted_and_bounded(store: ActivityStore) -> None:
    for each in (event(), event("2026-05-01T12:00:01Z", "Exited"), event("2026-05-01T12:00:02Z")):
        await store.record_event(KEY, each)
    found = await store.events(KEY)
    assert [(each.reason, each.count) for each in found] == [("Exited", 1), ("Pulling", 2)]
    assert await store.events(OTHER) == []
    for number in range(activity.KEPT_EVENTS + 20):
        await store.record_event(KEY, event(f"2026-05-02T00:00:00.{number:03}Z", "N", f"{number}"))
    found = await store.events(KEY)
    assert len(found) == activity.KEPT_EVENTS and found[-1].message == "119"


@pytest.mark.parametrize("message", ["日本" * 5000, "x" * 100_000, "a\0b", "50% of %s ?", "é\n"])
async def test_an_event_of_any_text_is_kept(store: ActivityStore, message: str) -> None:
    for _ in range(2):
        await store.record_event(KEY, event(message=message))
    [found] = await store.events(KEY)
    assert found.count == 2
    assert found.message[:10] == message.replace("\0", "\N{REPLACEMENT CHARACTER}")[:10]
    assert len(found.message.encode()) < 2010


async def test_audit_is_bounded_per_agent_and_counted(
    store: ActivityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "KEPT_AUDIT", 200)
    await store.add_audit(OTHER, [audit(OTHER, "kept")])
    for batch in range(5):
        records = [audit(KEY, f"{batch}-{number}", provider="svc") for number in range(50)]
        await store.add_audit(KEY, records)
    await store.add_audit(KEY, [])
    assert len(await store.audit("default", "writer", 5000)) == 200
    newest = await store.audit("default", "writer", 2)
    assert newest == [audit(KEY, "4-48", provider="svc"), audit(KEY, "4-49", provider="svc")]
    assert len(await store.audit("default", None, 5000)) == 201
    assert await store.audit("elsewhere", None, 10) == []
    assert await store.requests_on(KEY, "2026-05-01") == {"svc": 250}
    await store.record_event(KEY, event())
    await store.forget(KEY)
    assert len(await store.audit("default", "writer", 10)) == 10
    assert await store.events(KEY) == []
    assert await store.requests_on(KEY, "2026-05-01") == {}
    assert len(await store.audit("default", "other", 10)) == 1


async def test_audit_is_bounded_in_all(
    store: ActivityStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "KEPT_AUDIT_IN_ALL", 10)
    for number in range(15):
        await store.add_audit(AgentKey("default", f"a{number}"), [audit(KEY, f"{number}")])
    assert [each.reason for each in await store.audit("default", None, 99)] == [
        str(number) for number in range(5, 15)
    ]


async def test_counts_are_kept_for_a_month(store: ActivityStore) -> None:
    days = [f"2026-{month:02}-{day:02}" for month in (4, 5) for day in range(1, 31)]
    for day in days:
        await store.add_audit(KEY, [audit(KEY, "", provider="svc", at=f"{day}T00:00:00Z")])
    counts = [await store.requests_on(KEY, day) for day in days]
    assert counts == [{}] * (60 - activity.KEPT_DAYS) + [{"svc": 1}] * activity.KEPT_DAYS


async def test_records_of_any_text_come_back(store: ActivityStore) -> None:
    records = [audit(KEY, text, provider=f"p{text}"[:1]) for text in ("\0", "%s ? :x", "日本", "")]
    await store.add_audit(KEY, records)
    assert await store.audit("default", None, 10) == records


async def test_tokens_are_kept_as_hashes(store: ActivityStore) -> None:
    await store.add_token("first", "ab" * 32, NOW)
    await store.add_token("first", "cd" * 32, NOW)
    assert await store.token_hashes() == {"first": "cd" * 32}


async def test_notes_come_back_and_go(store: ActivityStore) -> None:
    assert await store.note("history", "a") is None
    await store.write_note("history", "a", {"restarts": 1})
    await store.write_note("history", "a", {"restarts": 2, "text": "\0 100%"})
    await store.write_note("ports", "a", {"port": 1})
    assert await store.note("history", "a") == {"restarts": 2, "text": "\0 100%"}
    await store.write_note("history", "a", None)
    assert await store.notes("history") == {}
    assert await store.notes("ports") == {"a": {"port": 1}}


async def test_several_controls_keep_one_record(place: str) -> None:
    """They start at once, and write at once; nothing is lost and nothing counts twice."""
    controls = [ActivityStore(place) for _ in range(3)]
    await asyncio.gather(*(each.open() for each in controls))
    await asyncio.gather(
        *(
            each.add_audit(KEY, [audit(KEY, f"{number}", provider="svc")])
            for number in range(10)
            for each in controls
        ),
        *(each.record_event(KEY, event()) for _ in range(5) for each in controls),
    )
    for each in controls:
        assert await each.requests_on(KEY, "2026-05-01") == {"svc": 30}
        assert len(await each.audit("default", None, 99)) == 30
        assert (await each.events(KEY))[0].count == 15
        await each.close()


async def test_a_closed_store_is_out_of_reach(place: str) -> None:
    store = ActivityStore(place)
    await store.open()
    await store.write_note("s", "n", {"kept": True})
    await store.close()
    with pytest.raises(TransientError):
        await store.notes("s")
    again = ActivityStore(place)
    await again.open()
    assert await again.notes("s") == {"n": {"kept": True}}
    await again.close()


async def test_the_file_of_one_machine_is_one_of_these(tmp_path: Path) -> None:
    """A `pai.db` keeps its activity when it is opened for that alone."""
    whole = SqliteStore(tmp_path / "pai.db", InstanceKey(b"k" * 32))
    await whole.open()
    await whole.add_token("first", "ab" * 32, NOW)
    await whole.close()
    part = ActivityStore(tmp_path / "pai.db")
    await part.open()
    assert await part.token_hashes() == {"first": "ab" * 32}
    await part.close()
