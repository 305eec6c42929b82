"""Requests of the agent: route, policy, audit, credential, forward.

Called by the kernel for each request that arrives on 8443 (after TLS), 8081 and 8000.
"""

import time
from collections.abc import Callable

from pai.policy.engine import Decision, Facts, Verdict, unknown_action
from pai.policy.paths import normalise
from pai.providers.plugin import CredentialError
from pai.providers.request import Answer, Refusal, Request, Resolved
from pai.sidecar.audit import AuditLog
from pai.sidecar.exchange_rules import host_fault, override_fault, stray_dummy
from pai.sidecar.forward import forward, forward_open, forward_to_gateway
from pai.sidecar.names import describe_refusal
from pai.sidecar.refusals import ask_for_host, refusal
from pai.sidecar.routes import LlmRoute, PassRoute, ProviderRoute
from pai.sidecar.state import State
from pai.wire.server import Exchange

Current = Callable[[], State]


class Outbound:
    """Answers or forwards every request the agent makes."""

    def __init__(self, current: Current, audit: AuditLog) -> None:
        self._current = current
        self._audit = audit

    async def over_tls(self, exchange: Exchange) -> None:
        """Serve a request on a connection whose TLS was ended here."""
        await self._serve(exchange, 443)

    async def over_plain(self, exchange: Exchange) -> None:
        """Serve a request in clear text; a credential still leaves over TLS only."""
        await self._serve(exchange, 80)

    async def to_models(self, exchange: Exchange) -> None:
        """Serve a request to the local LLM address, whatever Host it names."""
        await forward_to_gateway(exchange, self._current())

    async def _serve(self, exchange: Exchange, port: int) -> None:
        state = self._current()
        head = exchange.head
        host = head.host.decode("ascii")
        fault = host_fault(host, head.port, exchange.sni, port)
        if fault:
            await self._refuse(exchange, "host_mismatch", fault)
            return
        route = state.routes.find(host)
        if isinstance(route, ProviderRoute):
            await self._to_provider(exchange, state, route, host)
        elif isinstance(route, LlmRoute):
            await forward_to_gateway(exchange, state)
        elif isinstance(route, PassRoute) and port == 80 and route.opens(80):
            await self._to_open_host(exchange, state, route, host)
        else:
            await self._refuse(exchange, "host_denied", describe_refusal(state.routes, host))

    async def _refuse(self, exchange: Exchange, code: str, reason: str) -> None:
        head = exchange.head
        host, method = head.host.decode("ascii"), head.method.decode("ascii")
        path = head.path.decode("latin-1")
        self._audit.refuse(reason, host=host, method=method, path=path, status=403)
        answer = refusal(code, reason, host=host, method=method, hint=ask_for_host(host))
        await exchange.respond(answer.status, list(answer.headers), answer.body)

    async def _to_open_host(
        self, exchange: Exchange, state: State, route: PassRoute, host: str
    ) -> None:
        head = exchange.head
        self._audit.add(
            "audited" if route.audited else "allowed",
            "passed through",
            host=host,
            method=head.method.decode(),
            path=head.path.decode("latin-1"),
            rule=route.rule,
        )
        await forward_open(exchange, state, route, host)

    async def _to_provider(
        self, exchange: Exchange, state: State, route: ProviderRoute, host: str
    ) -> None:
        began = time.monotonic()
        head = exchange.head
        normal = normalise(head.path)
        request = Request(
            head.method.decode(),
            host,
            normal.path or head.path.decode("latin-1"),
            head.query,
            head.headers,
        )
        resolved = Resolved((unknown_action(request.method),))
        if normal.fault is not None:
            decision = Decision(Verdict.DENIED, f"the path {normal.fault}", "path")
        else:
            resolved = route.plugin.resolve(route.provider, request)
            decision = judge(state, route, request, resolved, head.target)
        record = _Record(self._audit, route, request, resolved, decision, began)
        if not decision.passes:
            record.write(403)
            await _respond(exchange, route.plugin.deny(_refusal(route, resolved, decision)))
            return
        try:
            outgoing = route.plugin.inject(route.provider, route.secret or "", request)
        except CredentialError as error:
            unusable = Decision(Verdict.DENIED, error.message, "auth.secretRef")
            _Record(self._audit, route, request, resolved, unusable, began).write(403)
            await _respond(exchange, route.plugin.deny(_refusal(route, resolved, unusable)))
            return
        await forward(exchange, state, route, host, outgoing, record.write)


def judge(
    state: State, route: ProviderRoute, request: Request, resolved: Resolved, target: bytes
) -> Decision:
    """Decide about a request to a provider whose path has a normal form."""
    name = route.provider.name
    if not route.plugin.served:
        reason = f"provider type {route.provider.type!r} is not served yet"
        return Decision(Verdict.DENIED, reason, "type")
    owner = stray_dummy(request.headers, target, state.dummies, name)
    if owner:
        reason = f"the credential of {owner} was about to be sent to {request.host}"
        return Decision(Verdict.DENIED, reason, "credential binding")
    if route.provider.policy is not None:
        fault = override_fault(request.headers, request.query)
        if fault:
            return Decision(Verdict.DENIED, fault, "method override")
    facts = Facts(request.method, request.path, resolved.actions, resolved.resources)
    decision = route.rules.decide(facts)
    if decision.passes and route.secret is None:
        return Decision(Verdict.DENIED, route.fault, "auth.secretRef")
    return decision


class _Record:
    """The audit record of one request, written once its status is known."""

    def __init__(
        self,
        audit: AuditLog,
        route: ProviderRoute,
        request: Request,
        resolved: Resolved,
        decision: Decision,
        began: float,
    ) -> None:
        self._audit, self._route, self._request = audit, route, request
        self._resolved, self._decision, self._began = resolved, decision, began

    def write(self, status: int) -> None:
        """Write it; an allowed request only when the provider asks for that."""
        provider = self._route.provider
        if self._decision.verdict is Verdict.ALLOWED and not provider.log_requests:
            return
        self._audit.add(
            self._decision.verdict,
            self._decision.reason,
            host=self._request.host,
            method=self._request.method,
            path=self._request.path,
            provider=provider.name,
            action=",".join(self._resolved.actions),
            resource=_names(self._resolved),
            rule=self._decision.rule,
            status=status,
            duration_ms=int((time.monotonic() - self._began) * 1_000_000) / 1000,
        )


def _names(resolved: Resolved) -> str:
    return ",".join(name for names in resolved.resources.values() for name in names)


def _refusal(route: ProviderRoute, resolved: Resolved, decision: Decision) -> Refusal:
    return Refusal(
        route.provider.name,
        ",".join(resolved.actions),
        _names(resolved),
        decision.rule,
        f"denied by the policy of provider {route.provider.name}: {decision.reason}",
    )


async def _respond(exchange: Exchange, answer: Answer) -> None:
    await exchange.respond(answer.status, list(answer.headers), answer.body)
