"""Records of API objects."""

from base64 import b64encode
from typing import Any

from pai.kube import Json
from pai.store.kubernetes.objects import (
    owned_annotations,
    owned_labels,
    record_of,
    trimmed,
    updated_times,
    values_of,
)
from pai.store.record import ResourceKey, SecretEntry

NOTED = '{"a":"2026-05-01T12:00:00Z","b":"2026-05-01T12:00:00Z"}'


def field(manager: str, at: str, **fields: Any) -> Json:
    return {"manager": manager, "operation": "Update", "time": at, "fieldsV1": fields}


def agent(**metadata: Any) -> Json:
    whole = {"name": "writer", "namespace": "team", "uid": "u", "resourceVersion": "7"}
    times = {"creationTimestamp": "2026-01-01T00:00:00Z", "generation": 3}
    return {
        "apiVersion": "pai.io/v1",
        "kind": "AgentWorkload",
        "metadata": {**whole, **times, **metadata},
        "spec": {"image": "a"},
        "status": {"phase": "Running"},
    }


def secret(data: dict[str, bytes], **metadata: Any) -> Json:
    found = agent(**metadata)
    del found["spec"], found["status"], found["metadata"]["generation"]
    encoded = {name: b64encode(value).decode() for name, value in data.items()}
    return {**found, "apiVersion": "v1", "kind": "Secret", "data": encoded}


def test_an_agent() -> None:
    annotations = {"pai.io/delete-volumes": "true", "mine": "1"}
    gone = "2026-01-02T00:00:00Z"
    record = record_of(agent(annotations=annotations, labels={"a": "b"}, deletionTimestamp=gone))
    assert record.key == ResourceKey("AgentWorkload", "team", "writer")
    assert (record.uid, record.generation, record.resource_version) == ("u", 3, 7)
    assert (record.spec, record.status) == ({"image": "a"}, {"phase": "Running"})
    assert (record.labels, record.annotations) == ({"a": "b"}, {"mine": "1"})
    assert (record.deleted_at, record.delete_volumes) == (gone, True)


def test_what_we_set_is_told_from_what_others_set() -> None:
    mine: Json = {"f:metadata": {"f:labels": {".": {}, "f:a": {}}, "f:annotations": {"f:x": {}}}}
    theirs: Json = {"f:metadata": {"f:labels": {"f:b": {}}}}
    managed = [field("pai", "t", **mine), field("kubectl-edit", "t", **theirs)]
    found = trimmed(agent(managedFields=managed, labels={"a": "1", "b": "2"}))
    assert owned_labels(found) == {"a"} and owned_annotations(found) == {"x"}
    assert "managedFields" not in found["metadata"]
    assert trimmed(agent())["metadata"]["name"] == "writer"


def test_a_secret_shows_names_and_ages_only() -> None:
    labels = {"pai.io/secret": "true", "a": "1"}
    managed = [
        field("pai", "2026-05-01T12:00:01Z", **{"f:data": {"f:a": {}}}),
        field("kubectl-edit", "2026-06-01T00:00:00Z", **{"f:data": {".": {}, "f:b": {}}}),
    ]
    annotations = {"pai.io/updated": NOTED}
    found = trimmed(
        secret(
            {"b": b"2", "a": b"1", "c": b"3"},
            labels=labels,
            annotations=annotations,
            managedFields=managed,
        )
    )
    record = record_of(found)
    assert record.entries == (
        SecretEntry("a", "2026-05-01T12:00:00Z"),  # as we noted
        SecretEntry("b", "2026-06-01T00:00:00Z"),  # as whoever changed it since
        SecretEntry("c", "2026-01-01T00:00:00Z"),  # nobody knows: the Secret's own age
    )
    assert (record.spec, record.generation, record.labels) == ({}, 1, {"a": "1"})
    assert record.annotations == {} and "MQ==" not in repr(record)


def test_an_annotation_that_someone_broke_counts_as_none() -> None:
    for text in ("{", "[]", '{"a": 3}'):
        found = secret({"a": b"1"}, annotations={"pai.io/updated": text})
        assert updated_times(found) == {"a": "2026-01-01T00:00:00Z"}


def test_values_that_are_no_text_are_left_out() -> None:
    found = secret({"text": "grüß".encode(), "bytes": b"\xff"})
    found["data"] |= {"broken": "%%%", "empty": ""}
    assert values_of(found) == ({"text": "grüß", "empty": ""}, ["broken", "bytes"])
    assert values_of(agent()) == ({}, [])
