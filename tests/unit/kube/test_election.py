"""Who may lead: decided by one's own clock alone."""

from datetime import UTC, datetime, timedelta

from pai.kube.election import (
    Seen,
    Terms,
    new_lease,
    releasing,
    seen,
    taking,
    wait_seconds,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TERMS = Terms()


def lease(holder: str = "other", renewed: datetime = NOW, version: str = "1") -> dict[str, object]:
    made = new_lease("n", "l", holder, renewed, TERMS)
    made["metadata"]["resourceVersion"] = version
    return made


def test_a_lease_is_counted_from_when_it_last_changed() -> None:
    first = seen(lease(), None, 100.0)
    same = seen(lease(version="2"), first, 110.0)
    assert same.since == 100.0 and same.version == "2"
    renewed = seen(lease(renewed=NOW + timedelta(seconds=5)), same, 112.0)
    assert renewed.since == 112.0
    assert wait_seconds(first, "me", 101.0, TERMS) == 14.0
    assert wait_seconds(first, "me", 115.0, TERMS) == 0.0


def test_the_clocks_of_others_mean_nothing() -> None:
    for year in (1990, 2090):
        found = seen(lease(renewed=NOW.replace(year=year)), None, 100.0)
        assert wait_seconds(found, "me", 100.0, TERMS) == 15.0


def test_one_who_asks_for_less_is_given_all_the_time() -> None:
    short = lease()
    short["spec"]["leaseDurationSeconds"] = 1  # type: ignore[index]
    assert wait_seconds(Seen(short, 100.0), "me", 100.0, TERMS) == 15.0
    long = lease()
    long["spec"]["leaseDurationSeconds"] = 60  # type: ignore[index]
    assert wait_seconds(Seen(long, 100.0), "me", 100.0, TERMS) == 60.0


def test_nobodys_lease_and_ones_own_may_be_taken_at_once() -> None:
    assert wait_seconds(Seen(lease(""), 100.0), "me", 100.0, TERMS) == 0.0
    assert wait_seconds(Seen(lease("me"), 100.0), "me", 100.0, TERMS) == 0.0


def test_a_leader_gives_up_before_anyone_may_follow() -> None:
    assert TERMS.give_up_seconds == 10.0 < TERMS.lease_seconds


def test_patches_hold_if_nobody_was_faster() -> None:
    taken = taking(Seen(lease(), 0.0), "me", NOW, TERMS)
    assert taken["metadata"] == {"resourceVersion": "1"}
    assert taken["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-05-01T12:00:00.000000Z",
        "renewTime": "2026-05-01T12:00:00.000000Z",
        "leaseTransitions": 1,
    }
    renewed = taking(Seen(lease("me"), 0.0), "me", NOW, TERMS)
    assert "acquireTime" not in renewed["spec"] and "leaseTransitions" not in renewed["spec"]
    let_go = releasing(Seen(lease("me"), 0.0), NOW)
    assert (let_go["spec"]["holderIdentity"], let_go["spec"]["leaseDurationSeconds"]) == ("", 1)
