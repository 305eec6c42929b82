from itertools import count
from typing import Any

import pytest

from pai.control.kubernetes.restriction import Restriction

MARKED = {"pai.io/restricted": "true"}
ENFORCED = {"pod-security.kubernetes.io/enforce": "restricted"}
VERSIONS = count(1)


def put(
    restriction: Restriction, name: str, labels: dict[str, str] | None, uid: str = "u-1"
) -> None:
    """Let the mirror see a namespace."""
    metadata: dict[str, Any] = {"name": name, "uid": uid, "resourceVersion": str(next(VERSIONS))}
    if labels is not None:
        metadata["labels"] = labels
    restriction.mirror.written({"metadata": metadata})


@pytest.mark.parametrize(
    ("labels", "restricted"),
    [
        (None, False),
        ({}, False),
        (MARKED, True),
        (ENFORCED, True),
        ({"pai.io/restricted": "false"}, False),
        ({"pod-security.kubernetes.io/enforce": "baseline"}, False),
        ({"pod-security.kubernetes.io/warn": "restricted"}, False),
    ],
)
def test_labels_decide(labels: dict[str, str] | None, restricted: bool) -> None:
    restriction = Restriction(None)  # type: ignore[arg-type]
    assert not restriction.of("team")
    put(restriction, "team", labels)
    assert restriction.of("team") is restricted


def test_a_namespace_is_told_when_its_answer_changes() -> None:
    restriction = Restriction(None)  # type: ignore[arg-type]
    put(restriction, "before", MARKED)
    told: list[str] = []
    with restriction.told(told.append):
        put(restriction, "before", ENFORCED)  # for another reason now
        put(restriction, "team", {})
        assert told == []
        put(restriction, "team", MARKED)
        put(restriction, "team", {**MARKED, "more": "labels"})
        put(restriction, "before", None)
        assert told == ["team", "before"]
        restriction.mirror.removed(("", "team"), "u-1")
        put(restriction, "team", MARKED, "u-2")  # a new one of that name
        assert told == ["team", "before", "team", "team"]
    put(restriction, "team", {})
    assert len(told) == 4
