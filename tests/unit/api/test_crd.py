"""The definitions: what `kubectl` shows and what a schema says in other words."""

import pytest

from pai.api.cel import literal
from pai.api.crd import DEFINED_KINDS, custom_resource_definition, custom_resource_definitions


def test_there_is_one_a_kind() -> None:
    names = [found["metadata"]["name"] for found in custom_resource_definitions()]
    assert names == ["agentworkloads.pai.io", "modelbindings.pai.io", "providers.pai.io"]


def test_agents_have_names_columns_and_a_scale() -> None:
    spec = custom_resource_definition("AgentWorkload")["spec"]
    [version] = spec["versions"]
    assert spec["names"]["shortNames"] == ["agent", "aw"]
    assert version["served"] and version["storage"] and version["name"] == "v1"
    assert [column["name"].upper() for column in version["additionalPrinterColumns"]] == [
        "PHASE",
        "REPLICAS",
        "TOKENS",
        "URL",
        "AGE",
    ]
    assert version["subresources"]["scale"]["labelSelectorPath"] == ".status.selector"


@pytest.mark.parametrize("kind", DEFINED_KINDS)
def test_short_names_of_kinds_differ(kind: str) -> None:
    others = [
        word
        for other in DEFINED_KINDS
        if other != kind
        for word in custom_resource_definition(other)["spec"]["names"]["shortNames"]
    ]
    mine = custom_resource_definition(kind)["spec"]["names"]
    assert not set(mine["shortNames"]) & {*others, mine["plural"], mine["singular"]}


def test_a_schema_in_the_words_of_a_cluster() -> None:
    [version] = custom_resource_definition("AgentWorkload")["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert spec["volumes"]["items"]["properties"]["size"]["x-kubernetes-int-or-string"] is True
    metric = spec["autoscaling"]["properties"]["metrics"]["items"]["properties"]
    assert metric["targetValuePerReplica"]["exclusiveMinimum"] is True
    assert metric["targetValuePerReplica"]["minimum"] == 0
    assert spec["replicas"]["default"] == 1
    assert spec["replicas"]["description"].endswith("0 to 1000. Default: 1.")
    assert "default" not in spec["env"]


def test_a_text_with_both_quotes_is_no_literal() -> None:
    assert literal('a"b') == "r'a\"b'"
    with pytest.raises(ValueError, match="both quotes"):
        literal("\"'")
