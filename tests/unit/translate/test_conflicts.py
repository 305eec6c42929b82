"""Hosts with more than one claim."""

from pai.api.agent_traffic import Egress, EgressRule
from pai.ir.provider import Provider
from pai.translate.conflicts import covers, egress_warnings, host_faults


def provider(name: str, *hosts: str) -> Provider:
    return Provider(name=name, type="http-token", hosts=hosts, auth_type="api-key", secret=None)


def test_wildcards_cover_names_below_them_only() -> None:
    assert covers("*.a.b", "x.a.b")
    assert covers("*.a.b", "x.y.a.b")
    assert covers("*.a.b", "*.x.a.b")
    assert covers("a.b", "a.b")
    assert not covers("*.a.b", "a.b")
    assert not covers("*.a.b", "xa.b")
    assert not covers("x.a.b", "*.a.b")


def test_the_same_host_twice_is_a_fault_and_a_wildcard_over_it_is_none() -> None:
    [fault] = host_faults([provider("one", "a.b"), provider("two", "c.d", "a.b")], "spec.providers")
    assert str(fault) == "spec.providers[1]: 'two' and 'one' both claim a.b"
    assert host_faults([provider("one", "a.b.c"), provider("two", "*.b.c")], "p") == []


def test_a_host_of_the_models_is_not_a_providers() -> None:
    [fault] = host_faults([provider("one", "api.anthropic.com")], "p")
    assert "leads to the models" in str(fault)


def test_allowed_hosts_that_are_intercepted_are_told() -> None:
    egress = Egress(
        allow=(EgressRule(host="*.b.c"), EgressRule(host="x.y"), EgressRule(host="a.q"))
    )
    found = egress_warnings(egress, [provider("one", "a.b.c"), provider("two", "*.q")])
    assert [text.split(" ")[0] for text in found] == [
        "spec.egress.allow[0].host:",
        "spec.egress.allow[2].host:",
    ]
