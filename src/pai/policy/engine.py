"""Decide one request: HTTP rules, then action lists, then scope.

Source: contract of Provider.policy and Provider.scope; docs/providers.md has the same in words and
examples. A `Rules` is compiled once a snapshot and asked once a request by the sidecar.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from pai.ir.provider import Enforcement, HttpRule, Policy, Provider, Scope
from pai.policy.globs import Matcher, name_glob, path_glob

UNKNOWN_PREFIX = "unknown:"


class Verdict(StrEnum):
    """What happens to a request. AUDITED: a violation that is let pass and is logged."""

    ALLOWED = "allowed"
    DENIED = "denied"
    AUDITED = "audited"


class Decision(NamedTuple):
    """A verdict and why. rule: the field that decided, with its text; empty when none did."""

    verdict: Verdict
    reason: str
    rule: str = ""

    @property
    def passes(self) -> bool:
        """Whether the request goes on to the service."""
        return self.verdict is not Verdict.DENIED


class Facts(NamedTuple):
    """What is known of a request.

    method: upper case. path: in normal form. actions: all must be allowed; never empty.
    resources: by kind (`repositories`, `channels`, `resources`); a missing kind is unknown.
    """

    method: str
    path: str
    actions: tuple[str, ...]
    resources: Mapping[str, tuple[str, ...]] = {}


ALLOWED = Decision(Verdict.ALLOWED, "allowed")


def unknown_action(method: str) -> str:
    """Return the action of a request that can't be resolved; only `*` allows it."""
    return UNKNOWN_PREFIX + method.upper()


class Rules:
    """Policy, scope and enforcement of one provider, compiled."""

    def __init__(self, policy: Policy | None, scope: Scope, enforcement: Enforcement) -> None:
        self._audit_only = enforcement == "audit"
        self._policy = policy
        rules = policy.http_rules if policy else ()
        self._http = [_HttpRule(index, rule) for index, rule in enumerate(rules)]
        self._allow = _named(policy.allow if policy else ())
        self._deny = _named(policy.deny if policy else ())
        self._scope = [
            (kind, globs, _named(globs))
            for kind in ("repositories", "channels", "resources")
            if (globs := getattr(scope, kind))
        ]

    @classmethod
    def of(cls, provider: Provider) -> "Rules":
        """Compile the rules of a provider."""
        return cls(provider.policy, provider.scope, provider.enforcement)

    def decide(self, facts: Facts) -> Decision:
        """Say whether a request may pass, with the rule and the reason."""
        violation = self._violation(facts)
        if violation is None:
            return ALLOWED
        verdict = Verdict.AUDITED if self._audit_only else Verdict.DENIED
        return Decision(verdict, violation.reason, violation.rule)

    def _violation(self, facts: Facts) -> Decision | None:
        return self._by_http(facts) or self._by_actions(facts) or self._by_scope(facts)

    def _by_http(self, facts: Facts) -> Decision | None:
        """First match decides; allow and no match both pass on to the action lists."""
        for rule in self._http:
            if rule.matches(facts):
                if rule.effect == "allow":
                    return None
                return _denied(f"an HTTP rule denies {facts.method} {facts.path}", rule.text)
        return None

    def _by_actions(self, facts: Facts) -> Decision | None:
        if self._policy is None:
            return None
        for action in facts.actions:
            for text, matches in self._deny:
                if matches(action):
                    return _denied(f"action {action!r} is denied", f"policy.deny: {text}")
            if not any(self._allows(text, matches, action) for text, matches in self._allow):
                return _denied(f"action {action!r} is not allowed", self._allow_text())
        return None

    @staticmethod
    def _allows(text: str, matches: Matcher, action: str) -> bool:
        if action.startswith(UNKNOWN_PREFIX):
            return text == "*"
        return matches(action)

    def _allow_text(self) -> str:
        if not self._allow:
            return 'policy.allow is empty and allows nothing ("*" leaves it to deny and httpRules)'
        return "policy.allow: " + ", ".join(text for text, _ in self._allow)

    def _by_scope(self, facts: Facts) -> Decision | None:
        for kind, texts, globs in self._scope:
            rule = f"scope.{kind}: " + ", ".join(texts)
            found = facts.resources.get(kind, ())
            if not found:
                return _denied(f"the request names none of scope.{kind}", rule)
            for name in found:
                if not any(matches(name) for _, matches in globs):
                    return _denied(f"{name!r} is out of scope", rule)
        return None


class _HttpRule:
    def __init__(self, index: int, rule: HttpRule) -> None:
        self.effect = rule.effect
        self._methods = frozenset(method.upper() for method in rule.methods)
        self._paths = [path_glob(path) for path in rule.paths]
        methods = ",".join(rule.methods) or "any method"
        paths = ", ".join(rule.paths) or "any path"
        self.text = f"policy.httpRules[{index}]: {rule.effect} {methods} {paths}"

    def matches(self, facts: Facts) -> bool:
        if self._methods and facts.method not in self._methods and "*" not in self._methods:
            return False
        return not self._paths or any(matches(facts.path) for matches in self._paths)


def _named(globs: tuple[str, ...]) -> list[tuple[str, Matcher]]:
    return [(text, name_glob(text)) for text in globs]


def _denied(reason: str, rule: str) -> Decision:
    return Decision(Verdict.DENIED, reason, rule)
