import pytest
from tests.fakes.documents import agent, model, secret, service

from pai.api.fault import DocumentErrors
from pai.control.validation import check_together, fault_of, parse_all, stored_spec
from pai.errors import SpecError
from pai.ir.settings import Settings
from pai.translate import References


def test_documents_of_one_request_know_each_other() -> None:
    documents = [
        agent(modelBindings=["gpt"], providers=["notes"]),
        model(),
        service(),
        secret(),
    ]
    resources = parse_all(documents, "default")
    found = check_together(resources, {}, References(), Settings())
    assert found.faults == [] and found.warnings[0] == ()
    alone = check_together(resources[:1], {}, References(), Settings())
    assert alone.faults == [] and len(alone.warnings[0]) == 2
    assert "waits for it" in alone.warnings[0][0]


def test_what_can_not_work_together_is_a_fault_with_its_path() -> None:
    documents = [service("one"), service("two"), secret(), agent(providers=["one", "two"])]
    found = check_together(parse_all(documents, "default"), {}, References(), Settings())
    [fault] = found.faults
    assert (fault.document, fault.path) == (4, "spec.providers[1]")


def test_pending_features_are_warned_about() -> None:
    resources = parse_all([agent(autoscaling={"maxReplicas": 2})], "default")
    found = check_together(resources, {}, References(), Settings())
    assert any("spec.autoscaling" in warning for warning in found.warnings[0])


@pytest.mark.parametrize("namespace", ["", "UPPER", "a/b", "a" * 64, "..", "-a"])
def test_a_namespace_is_a_name(namespace: str) -> None:
    with pytest.raises(SpecError, match="namespace: "):
        parse_all([agent()], namespace)


def test_a_version_that_was_not_ours_is_a_fault() -> None:
    document = agent()
    document["metadata"]["resourceVersion"] = "abc"
    with pytest.raises(DocumentErrors, match=r"metadata\.resourceVersion"):
        parse_all([document], "default")


def test_what_is_stored_is_what_was_written_without_secrets() -> None:
    [kept, hidden] = parse_all([agent(cdpRelay={"token": "relay"}), secret()], "default")
    spec = stored_spec(kept)
    assert set(spec) == {"image", "cdpRelay"} and "relay" not in spec["cdpRelay"]["token"][7:]
    again = agent(cdpRelay={"token": spec["cdpRelay"]["token"]})
    assert stored_spec(parse_all([again], "default")[0]) == spec
    assert stored_spec(hidden) == {}


def test_a_path_is_told_apart_from_the_text() -> None:
    assert fault_of(SpecError("spec.a[0]: x: y", "do z"), 2).path == "spec.a[0]"
    assert fault_of(SpecError("Provider 'a': spec.auth: y"), 2).path == ""
