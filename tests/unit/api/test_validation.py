"""Plain data: what JSON can't hold is refused, and faults are counted by document."""

from typing import Any

import pytest
from tests.unit.api.examples import document

from pai.api.fault import DocumentErrors, Fault, Problem, path_text
from pai.api.validation import as_fault, validate, validate_all


def fault_of(data: object) -> Fault:
    with pytest.raises(DocumentErrors) as caught:
        validate(data)
    [fault] = caught.value.faults
    return fault


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "must be a finite number"),
        (2**63, "is too large"),
        ("\ud800", "must be valid Unicode text"),
        (b"x", "must be plain data, not bytes"),
        (object(), "must be plain data, not object"),
    ],
)
def test_only_plain_data_is_judged(value: object, message: str) -> None:
    fault = fault_of(document("AgentWorkload", "spec.replicas", value))
    assert (fault.path, fault.message) == ("spec.replicas", message)


@pytest.mark.parametrize("key", [5, None, "\udfff"])
def test_field_names_are_text(key: object) -> None:
    data: Any = document("Secret")
    data["stringData"][key] = "x"
    fault = fault_of(data)
    assert (fault.path, fault.message) == ("stringData", "a field name must be text")


def test_a_cycle_is_too_deep() -> None:
    data: Any = document("AgentWorkload")
    data["spec"]["command"] = data
    assert "too deeply" in fault_of(data).message


def test_very_many_values_are_refused() -> None:
    data = document("AgentWorkload", "spec.command", ["x"] * 200_001)
    assert "too large" in fault_of(data).message


@pytest.mark.parametrize("data", [None, [], "x", 5, True])
def test_a_document_is_a_mapping(data: object) -> None:
    assert fault_of(data).message.startswith("a document must be a mapping of fields, not ")


def test_documents_are_counted_and_doubles_found() -> None:
    good = document("Secret")
    with pytest.raises(DocumentErrors) as caught:
        validate_all([good, document("Secret", "metadata.name", "B"), good])
    found = [(fault.document, fault.path) for fault in caught.value.faults]
    assert found == [(2, "metadata.name"), (3, "metadata.name")]


def test_the_same_name_in_two_namespaces_is_no_double() -> None:
    other = document("Secret", "metadata.namespace", "other")
    first, second = validate_all([document("Secret"), other])
    assert (first.namespace, second.namespace) == ("default", "other")
    assert first.in_namespace("mine").namespace == "mine"
    assert second.in_namespace("mine").namespace == "other"


def test_secret_values_stay_out_of_repr() -> None:
    data = document("AgentWorkload", "spec.cdpRelay", {"token": "canary"})
    data["spec"]["env"] = [{"name": "A", "value": "canary"}]
    data["spec"]["configFiles"] = [{"path": "/a/b", "content": "canary"}]
    for item in (data, document("Secret", "stringData", {"token": "canary"})):
        assert "canary" not in repr(validate(item))


def test_a_resource_can_not_be_changed() -> None:
    agent = validate(document("AgentWorkload"))
    with pytest.raises(ValueError, match="frozen"):
        agent.kind = "x"  # type: ignore[assignment]


def test_text_of_faults() -> None:
    assert path_text(("metadata", "annotations", "a/b")) == "metadata.annotations[a/b]"
    assert path_text((0, "x")) == "[0].x"
    assert str(as_fault(Problem("m"), source="f", line=3)) == "f:3: m"
    assert str(as_fault(Problem("m", path=("a",)), line=3, document=2)) == "document 2:3: a: m"
    one = DocumentErrors([as_fault(Problem("m", "h"))])
    assert (str(one), one.hint) == ("m", "h")
    many = DocumentErrors([as_fault(Problem(str(n), "h")) for n in range(60)])
    assert many.hint is None
    assert str(many).endswith("... and 10 more faults")
