"""Names that look as if they could meet, and don't."""

import pytest

from pai.ir.agent import AgentKey
from pai.render.kubernetes import (
    claim_name,
    claim_template,
    object_name,
    pods_service_name,
    sidecar_secret_name,
)


def key(name: str) -> AgentKey:
    return AgentKey("team", name)


def test_names_show_what_they_are_for() -> None:
    assert object_name(key("hello")) == "pai-hello"
    assert sidecar_secret_name(key("hello")) == "pai-hello-sidecar"
    assert pods_service_name(key("hello")) == "pods-hello"
    assert claim_name(key("hello"), "data", 2) == "pai-data-hello-2"


@pytest.mark.parametrize(
    ("volume", "template"),
    [("data", "pai-data"), ("my-data", "pai1-my-data"), ("a--b", "pai2-a--b")],
)
def test_a_claim_template_tells_where_the_volumes_name_ends(volume: str, template: str) -> None:
    assert claim_template(volume) == template


def test_a_headless_service_is_no_other_agents_load_balancer() -> None:
    assert pods_service_name(key("a")) != object_name(key("a-pods"))


def test_two_agents_never_share_a_claim() -> None:
    assert claim_name(key("x-y"), "v", 0) != claim_name(key("y"), "v-x", 0)
    assert claim_name(key("a-0"), "v", 1) != claim_name(key("a"), "v", 0)
