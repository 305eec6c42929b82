import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pai.control.internal.audit import MAX_RECORDS, MAX_TEXT, attributed, read_records
from pai.errors import SpecError
from pai.ir.agent import AgentKey
from pai.ir.snapshot import AuditRecord

ME = AgentKey("default", "me")
NOW = "2026-05-01T12:00:00Z"
texts = st.text(max_size=40)


@given(agent=texts, replica=st.integers(0, 10**9), at=texts, reason=st.text(max_size=3000))
def test_a_record_is_always_its_senders_own(agent: str, replica: int, at: str, reason: str) -> None:
    record = AuditRecord(at=at, agent=agent, replica=replica, decision="denied", reason=reason)
    [kept] = attributed([record], ME, 3, NOW)
    assert (kept.agent, kept.replica) == ("me", 3)
    assert len(kept.reason) <= MAX_TEXT
    assert kept.at == at or kept.at == NOW


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        ("2026-05-01T11:59:59.123Z", True),
        ("2026-04-30T00:00:00Z", True),
        ("2026-05-02T00:00:00Z", False),
        ("9999-01-01T00:00:00Z", False),
        ("2026-05-01T11:59:59+00:00", False),
        ("2026-05-01T11:59:59Z\n", False),
        ("", False),
    ],
)
def test_times_are_of_one_form_and_not_of_the_future(at: str, kept: bool) -> None:
    record = AuditRecord(at=at, agent="x", replica=0, decision="allowed", reason="")
    assert attributed([record], ME, 0, NOW)[0].at == (at if kept else NOW)


def test_bodies_are_checked() -> None:
    record = {"at": NOW, "agent": "a", "replica": 0, "decision": "denied", "reason": "r"}
    assert len(read_records(msgspec.json.encode({"records": [record] * MAX_RECORDS}))) == 1000
    bad: tuple[object, ...] = (
        {"records": [record] * (MAX_RECORDS + 1)},
        {"records": [{**record, "decision": "perhaps"}]},
        {"records": [{**record, "status": "200"}]},
        {"records": {}},
        [],
    )
    for body in bad:
        with pytest.raises(SpecError):
            read_records(msgspec.json.encode(body))
    with pytest.raises(SpecError):
        read_records(b"[" * 100_000)
