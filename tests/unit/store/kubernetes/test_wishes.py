"""What is sent for a wish."""

import json

import pytest
from tests.unit.store.kubernetes.test_objects import agent, field, secret

from pai.errors import ConflictError, SpecError
from pai.kube import Json
from pai.store.kubernetes.objects import trimmed
from pai.store.kubernetes.wishes import check_expected, check_label, new_object, patch_for
from pai.store.record import Put, ResourceKey

AGENT = ResourceKey("AgentWorkload", "team", "writer")
SECRET = ResourceKey("Secret", "team", "keys")
AT = "2026-07-01T00:00:00Z"


def test_a_new_secret_bears_our_label_and_ages() -> None:
    made = new_object(Put(key=SECRET, spec={}, values={"a": "ü"}, labels={"x": "1"}), AT)
    assert made["metadata"]["labels"] == {"x": "1", "pai.io/secret": "true"}
    assert json.loads(made["metadata"]["annotations"]["pai.io/updated"]) == {"a": AT}
    assert (made["type"], made["data"]) == ("Opaque", {"a": "w7w="})


def test_a_patch_names_what_differs_and_whose_version_it_is_for() -> None:
    mine: Json = {"f:metadata": {"f:labels": {"f:old": {}, "f:kept": {}}}}
    labels = {"old": "1", "kept": "1", "theirs": "1"}
    stored = trimmed(agent(labels=labels, managedFields=[field("pai", "t", **mine)]))
    stored["spec"] = {"image": "a", "env": [{"name": "A"}], "egress": {"mode": "deny"}}
    wish = Put(key=AGENT, spec={"image": "b", "egress": {}}, labels={"kept": "2", "new": "1"})
    assert patch_for(wish, stored, AT) == {
        "spec": {"image": "b", "env": None, "egress": {"mode": None}},
        "metadata": {
            "labels": {"kept": "2", "new": "1", "old": None},
            "resourceVersion": "7",
        },
    }
    assert patch_for(Put(key=AGENT, spec=stored["spec"], labels=labels), stored, AT) is None


def test_entries_of_a_secret_are_replaced_and_keep_their_ages() -> None:
    noted = {"pai.io/updated": '{"a":"2026-05-01T12:00:00Z"}'}
    stored = secret({"a": b"1", "b": b"2"}, annotations=noted, labels={"pai.io/secret": "true"})
    patch = patch_for(Put(key=SECRET, spec={}, values={"a": "1", "c": "3"}), stored, AT)
    assert patch is not None and patch["data"] == {"b": None, "c": "Mw=="}
    ages = json.loads(patch["metadata"]["annotations"]["pai.io/updated"])
    assert ages == {"a": "2026-05-01T12:00:00Z", "c": AT}
    same = Put(key=SECRET, spec={}, values={"a": "1", "b": "2"})
    assert patch_for(same, stored, AT) is None


@pytest.mark.parametrize(
    ("expected", "stored", "needle"),
    [
        (3, None, "deleted since"),
        (0, agent(), "exists already"),
        (6, agent(), "changed by someone else"),
        (None, agent(deletionTimestamp=AT), "being deleted"),
        (7, agent(), ""),
        (None, None, ""),
        (0, None, ""),
    ],
)
def test_expectations(expected: int | None, stored: object, needle: str) -> None:
    put = Put(key=AGENT, spec={}, expected=expected)
    if not needle:
        check_expected(put, stored)  # type: ignore[arg-type]
        return
    with pytest.raises(ConflictError, match=needle):
        check_expected(put, stored)  # type: ignore[arg-type]


def test_a_secret_without_our_label_is_not_touched() -> None:
    for labels in (None, {}, {"pai.io/secret": "yes"}):
        with pytest.raises(SpecError, match="not Pai's"):
            check_label(SECRET, secret({}, labels=labels))
    check_label(SECRET, secret({}, labels={"pai.io/secret": "true"}))
    check_label(AGENT, agent())
