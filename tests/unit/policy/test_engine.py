from collections.abc import Mapping

import pytest

from pai.ir.provider import HttpRule, Policy, Provider, Scope
from pai.policy.engine import Decision, Facts, Rules, Verdict, unknown_action

EVERYTHING = Scope()


def decide(
    policy: Policy | None,
    *actions: str,
    scope: Scope = EVERYTHING,
    audit: bool = False,
    method: str = "GET",
    path: str = "/",
    resources: Mapping[str, tuple[str, ...]] | None = None,
) -> Decision:
    facts = Facts(method, path, actions or (method.lower(),), resources or {})
    return Rules(policy, scope, "audit" if audit else "enforce").decide(facts)


def test_without_a_policy_everything_in_scope_passes() -> None:
    assert decide(None, "delete").passes
    assert decide(None, unknown_action("PUT")).passes


def test_an_empty_policy_opens_nothing() -> None:
    decision = decide(Policy(), "get")
    assert not decision.passes
    assert "policy.allow is empty" in decision.rule


@pytest.mark.parametrize("allow", [("get",), ("*",), ("g*",), ("post", "get")])
def test_an_allowed_action_passes(allow: tuple[str, ...]) -> None:
    assert decide(Policy(allow=allow), "get") == Decision(Verdict.ALLOWED, "allowed")


def test_deny_wins_over_allow() -> None:
    decision = decide(Policy(allow=("*",), deny=("del*",)), "delete")
    assert not decision.passes
    assert decision.rule == "policy.deny: del*"


def test_a_policy_with_deny_alone_still_denies_unless_allowed() -> None:
    assert not decide(Policy(deny=("delete",)), "get").passes


def test_every_action_of_a_request_must_be_allowed() -> None:
    policy = Policy(allow=("contents:read",))
    assert not decide(policy, "contents:read", "repo:delete").passes


@pytest.mark.parametrize("allow", ["unknown:*", "unknown:GET", "un*", "**"])
def test_an_unknown_action_is_allowed_by_the_star_alone(allow: str) -> None:
    action = unknown_action("get")
    assert action == "unknown:GET"
    assert not decide(Policy(allow=(allow,)), action).passes
    assert decide(Policy(allow=(allow, "*")), action).passes


def test_unknown_actions_can_be_denied_by_name() -> None:
    policy = Policy(allow=("*",), deny=("unknown:*",))
    assert not decide(policy, unknown_action("GET")).passes
    assert decide(policy, "get").passes


HTTP = (
    HttpRule("allow", ("GET",), ("/admin/health",)),
    HttpRule("deny", (), ("/admin/**",)),
    HttpRule("deny", ("DELETE",), ()),
)


@pytest.mark.parametrize(
    ("method", "path", "passes"),
    [
        ("GET", "/admin/health", True),
        ("POST", "/admin/health", False),
        ("GET", "/admin", False),
        ("GET", "/admin/users/1", False),
        ("DELETE", "/items/1", False),
        ("GET", "/items/1", True),
    ],
)
def test_the_first_http_rule_that_matches_decides(method: str, path: str, passes: bool) -> None:
    decision = decide(Policy(allow=("*",), http_rules=HTTP), method=method, path=path)
    assert decision.passes is passes


def test_an_http_rule_that_allows_passes_on_to_the_action_lists() -> None:
    policy = Policy(allow=("post",), http_rules=(HttpRule("allow"),))
    assert not decide(policy, method="GET").passes
    assert decide(policy, method="POST").passes


def test_http_rules_alone_open_nothing() -> None:
    decision = decide(Policy(http_rules=(HttpRule("allow", ("GET",), ("/**",)),)))
    assert not decision.passes
    assert "httpRules" in decision.rule


def test_the_rule_that_denied_is_named_with_its_text() -> None:
    decision = decide(Policy(allow=("*",), http_rules=HTTP), method="DELETE", path="/x")
    assert decision.rule == "policy.httpRules[2]: deny DELETE any path"
    assert "DELETE /x" in decision.reason


def test_methods_of_http_rules_ignore_case() -> None:
    policy = Policy(allow=("*",), http_rules=(HttpRule("deny", ("delete",)),))
    assert not decide(policy, method="DELETE").passes


SCOPE = Scope(repositories=("acme/*",))


def test_scope_holds_without_a_policy_too() -> None:
    assert decide(None, scope=SCOPE, resources={"repositories": ("acme/a",)}).passes
    assert not decide(None, scope=SCOPE, resources={"repositories": ("evil/a",)}).passes


def test_every_resource_must_be_in_scope() -> None:
    both = {"repositories": ("acme/a", "evil/a")}
    decision = decide(None, scope=SCOPE, resources=both)
    assert not decision.passes
    assert "'evil/a'" in decision.reason


@pytest.mark.parametrize("resources", [{}, {"channels": ("acme/a",)}, {"repositories": ()}])
def test_scope_set_and_resource_unknown_is_denied(resources: Mapping[str, tuple[str, ...]]) -> None:
    decision = decide(None, scope=SCOPE, resources=resources)
    assert not decision.passes
    assert decision.rule == "scope.repositories: acme/*"


def test_each_kind_of_scope_that_is_set_must_hold() -> None:
    scope = Scope(repositories=("a",), resources=("r*",))
    assert decide(
        None, scope=scope, resources={"repositories": ("a",), "resources": ("r1",)}
    ).passes
    assert not decide(None, scope=scope, resources={"repositories": ("a",)}).passes


def test_audit_lets_a_violation_pass_and_says_so() -> None:
    decision = decide(Policy(deny=("get",)), "get", audit=True)
    assert decision.verdict is Verdict.AUDITED
    assert decision.passes
    assert decision.rule == "policy.deny: get"


def test_rules_are_compiled_from_a_provider() -> None:
    provider = Provider(
        name="p", type="http-token", hosts=("h",), auth_type="api-key", secret=None,
        policy=Policy(allow=("get",)), enforcement="audit",
    )  # fmt: skip
    assert Rules.of(provider).decide(Facts("POST", "/", ("post",))).verdict is Verdict.AUDITED
