"""Which pod is which replica."""

from datetime import UTC, datetime

from tests.fakes.cluster_objects import pod

from pai.reconcile.kubernetes.pods import numbered, pod_states

NOW = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


def test_a_stateful_sets_pods_keep_their_ordinals() -> None:
    found = numbered([pod("w-2", index=2), pod("w-0", index=0)])
    assert {number: item["metadata"]["name"] for number, item in found.items()} == {
        0: "w-0",
        2: "w-2",
    }
    states = pod_states(3, [pod("w-2", index=2), pod("w-0", index=0)], (), False, NOW)
    assert [(state.number, state.ready) for state in states] == [(0, True), (1, False), (2, True)]


def test_others_are_counted_by_age_and_ended_ones_are_none() -> None:
    old, new = pod("b"), pod("a")
    old["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    over = pod("c", phase="Failed")
    assert [item["metadata"]["name"] for item in numbered([new, over, old]).values()] == ["b", "a"]


def test_more_pods_than_wanted_are_all_told_while_a_new_version_rolls_out() -> None:
    states = pod_states(1, [pod("a"), pod("b")], (), False, NOW)
    assert [state.pod for state in states] == ["a", "b"]


def test_a_states_address_is_its_pods() -> None:
    [state] = pod_states(1, [pod("a")], (), False, NOW)
    assert (state.address, state.restarts, state.started) == ("10.1.2.3", 0, True)
