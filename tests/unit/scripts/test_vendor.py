"""Which model the demo asks."""

import pytest
import yaml
from scripts.demo import own_documents
from scripts.demonstration.vendor import KNOWN, chosen


def test_without_a_key_the_scripted_server_is_asked() -> None:
    assert chosen({}) is None
    assert chosen({"OPENAI_API_KEY": ""}) is None


@pytest.mark.parametrize("vendor", KNOWN, ids=lambda vendor: str(vendor.name))
def test_each_key_leads_to_its_vendor(vendor: object) -> None:
    found = next(known for known in KNOWN if known == vendor)
    assert chosen({str(found.variable): "k"}) == found


def test_a_named_server_comes_first() -> None:
    named = {"PAI_DEMO_ENDPOINT": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "k"}
    found = chosen({**named, "PAI_DEMO_MODEL": "local"})
    assert found and (found.endpoint, found.model) == ("http://127.0.0.1:9/v1", "local")
    assert found.variable == "PAI_DEMO_KEY"


def test_the_documents_are_what_the_agent_refers_to() -> None:
    documents = list(yaml.safe_load_all(own_documents(KNOWN[0], "k: [1]", "t")))
    named = {(entry["kind"], entry["metadata"]["name"]): entry for entry in documents}
    assert set(named) == {("Secret", "llm-key"), ("Secret", "notes-key"), ("ModelBinding", "gpt")}
    assert named["Secret", "llm-key"]["stringData"] == {"token": "k: [1]"}
    spec = named["ModelBinding", "gpt"]["spec"]
    assert (spec["provider"], spec["model"]) == (KNOWN[0].provider, KNOWN[0].model)
    assert "endpoint" not in spec  # the vendor's own


def test_a_named_endpoint_is_in_the_documents() -> None:
    vendor = KNOWN[1]._replace(endpoint="http://127.0.0.1:9/v1")
    documents = list(yaml.safe_load_all(own_documents(vendor, "k", "t")))
    [binding] = [entry for entry in documents if entry["kind"] == "ModelBinding"]
    assert binding["spec"]["endpoint"] == vendor.endpoint
