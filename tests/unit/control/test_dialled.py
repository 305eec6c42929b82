from pai.control.dialled import dialled_names
from pai.ir.agent import Agent, AgentKey, Egress, EgressRule
from pai.ir.provider import Provider

PROVIDER = Provider(
    name="p", type="http-token", hosts=("api.a.test", "*.B.test."), auth_type="x", secret=None
)


def agent(*rules: str, mode: str = "deny") -> Agent:
    return Agent(
        key=AgentKey("team", "demo"),
        uid="u",
        host_id="h",
        generation=1,
        image="i",
        providers=(PROVIDER,),
        egress=Egress(tuple(map(EgressRule, rules)), "audit" if mode == "audit" else "deny"),
    )


def test_hosts_of_providers_and_of_egress_allow() -> None:
    assert dialled_names(agent("c.test", "*.d.test", "api.a.test")) == (
        "*.b.test", "*.d.test", "api.a.test", "c.test",
    )  # fmt: skip


def test_services_are_dialled_by_their_full_names() -> None:
    found = dialled_names(agent("db.data.svc", "*.data.svc", "x.y.svc.cluster.local"))
    assert set(found) - {"api.a.test", "*.b.test"} == {
        "*.data.svc.cluster.local", "db.data.svc.cluster.local", "x.y.svc.cluster.local",
    }  # fmt: skip


def test_audit_mode_dials_everything() -> None:
    assert dialled_names(agent("c.test", mode="audit")) == ("*",)
