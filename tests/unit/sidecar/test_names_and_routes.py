import pytest

from pai.ir.agent import Egress, EgressRule
from pai.ir.provider import Provider
from pai.ir.snapshot import Network, SidecarInbound, SidecarProvider, SidecarSnapshot
from pai.sidecar.names import Names, describe_refusal, is_own_address
from pai.sidecar.routes import AmbiguousRoute, LlmRoute, PassRoute, ProviderRoute, Routes


def provider(name: str, *hosts: str) -> SidecarProvider:
    return SidecarProvider(
        provider=Provider(
            name=name, type="http-token", hosts=hosts, auth_type="api-key", secret=None
        ),
        credential={},
        dummy="d" + name,
    )


def routes(
    *providers: SidecarProvider,
    allow: tuple[EgressRule, ...] = (),
    audit: bool = False,
    llm: tuple[str, ...] = (),
) -> Routes:
    return Routes(
        SidecarSnapshot(
            version=1,
            agent="a",
            replica=0,
            gateway="http://127.0.0.1:1",
            gateway_token="t",
            llm_hosts=llm,
            llm_dummies=(),
            providers=providers,
            cert_pem="",
            key_pem="",
            inbound=SidecarInbound(port=None, allow_cidrs=(), edge_token="e"),
            egress=Egress(allow, "audit" if audit else "deny"),
            network=Network(nameservers=()),
        )
    )


def test_an_unknown_host_leads_nowhere() -> None:
    found = routes(provider("p", "api.a.test"), llm=("llm.test",))
    for host in ("a.test", "x.api.a.test", "api.a.test.evil.test", "evil.test", ""):
        assert found.find(host) is None


def test_a_wildcard_covers_what_is_below_it_and_not_itself() -> None:
    found = routes(provider("p", "*.a.test"))
    assert isinstance(found.find("x.a.test"), ProviderRoute)
    assert isinstance(found.find("x.y.a.test"), ProviderRoute)
    assert found.find("a.test") is None
    assert found.find("xa.test") is None


def test_the_exact_name_then_the_longest_suffix_wins() -> None:
    found = routes(
        provider("one", "*.test"), provider("two", "*.a.test"), provider("three", "x.a.test")
    )
    names = {
        host: route.provider.name
        for host in ("x.a.test", "y.a.test", "b.test")
        if isinstance(route := found.find(host), ProviderRoute)
    }
    assert names == {"x.a.test": "three", "y.a.test": "two", "b.test": "one"}


def test_a_host_with_a_policy_is_never_passed_through() -> None:
    allow = (EgressRule("api.a.test", (443,)), EgressRule("llm.test", (443,)))
    found = routes(provider("p", "*.a.test"), allow=allow, llm=("llm.test",))
    assert isinstance(found.find("api.a.test"), ProviderRoute)
    assert isinstance(found.find("llm.test"), LlmRoute)


def test_a_host_of_two_providers_is_refused() -> None:
    found = routes(provider("p", "h.test"), provider("q", "h.test"), provider("r", "h.test"))
    assert found.find("h.test") == AmbiguousRoute(("p", "q", "r"))
    assert "p, q, r" in describe_refusal(found, "h.test")


def test_two_egress_rules_of_a_host_add_up() -> None:
    found = routes(allow=(EgressRule("h.test", (443,)), EgressRule("h.test", (22,))))
    route = found.find("h.test")
    assert isinstance(route, PassRoute)
    assert route.opens(443)
    assert route.opens(22)
    assert not route.opens(80)


def test_audit_mode_passes_what_is_not_listed_and_says_so() -> None:
    route = routes(audit=True).find("evil.test")
    assert isinstance(route, PassRoute)
    assert route.audited
    assert route.opens(1)
    assert not route.exact


def test_names_on_the_web_ports_are_loopback() -> None:
    found = routes(
        provider("p", "api.a.test"), llm=("llm.test",), allow=(EgressRule("w.test", (80, 443)),)
    )
    names = Names()
    assert {names.address_for(n, found) for n in ("api.a.test", "llm.test", "w.test")} == {
        "127.0.0.1"
    }
    assert names.address_for("evil.test", found) is None


def test_names_with_other_ports_get_addresses_of_their_own() -> None:
    found = routes(allow=(EgressRule("*.db.test", (5432,)),))
    names = Names()
    first, second = (names.address_for(n, found) for n in ("a.db.test", "b.db.test"))
    assert first is not None
    assert first != second
    assert is_own_address(first)
    assert names.name_of(first) == "a.db.test"
    assert names.address_for("a.db.test", found) == first
    assert names.name_of("198.18.99.99") is None


def test_addresses_are_reused_when_all_are_taken() -> None:
    found = routes(audit=True)
    names = Names(capacity=2)
    first = names.address_for("a", found)
    second = names.address_for("b", found)
    assert names.address_for("a", found) == first
    assert names.address_for("c", found) == second
    assert names.name_of(str(second)) == "c"
    assert names.name_of(str(first)) == "a"


@pytest.mark.parametrize(
    ("address", "ours"),
    [("198.18.0.1", True), ("198.19.255.255", True), ("198.20.0.0", False), ("::1", False),
     ("198.17.255.255", False), ("127.0.0.1", False), ("a.b.c.d", False)],
)  # fmt: skip
def test_the_range_of_own_addresses(address: str, ours: bool) -> None:
    assert is_own_address(address) is ours


def test_a_route_never_shows_its_secret() -> None:
    item = SidecarProvider(
        provider=provider("p", "h").provider, credential={"token": "canary-1"}, dummy="d"
    )
    assert "canary-1" not in repr(Routes.__init__)
    assert "canary-1" not in repr(routes(item).find("h"))
