"""What a route's failure is called, and whether another route may do better. Pure."""

from math import ceil

from pai.budget.fit import Ask
from pai.budget.line import Refusal
from pai.dialect.refused import Refused
from pai.gateway.asked import Counted
from pai.gateway.desk import Turned
from pai.gateway.refusal import Failure, Passed
from pai.gateway.routes import Route
from pai.ir.ledger import split_subject
from pai.wire.errors import UpstreamError
from pai.wire.message import Headers, first

_BUSY_RETRY_SECONDS = 5
_BAD_CREDENTIAL = frozenset({401, 402})
_BUSY_STATUS = frozenset({429, 503, 529})


def over_limit(route: Route, ask: Ask, counted: Counted | None = None) -> Failure:
    """The request may cost more than one request may. counted: what its vendor counted, if so."""
    exact = None if counted is None else counted.tokens
    message = (
        f"the request may cost {ask.least(ask.useful)} tokens;"
        f" maxPerRequest allows {route.max_per_request} for model '{route.name}'"
    ) + ("" if exact is None else f"; its vendor counts {exact} tokens of input")
    return Failure(Refused.OVER_REQUEST_LIMIT, message, "max_tokens")


def broken(route: Route, reason: str) -> Failure:
    """The vendor gave no answer."""
    message = f"the vendor of model '{route.name}' gave no answer: {reason}"
    return Failure(Refused.VENDOR_BROKEN, message, next_route=True)


def unanswered(route: Route, error: UpstreamError) -> Failure:
    """No answer came over the connection, or none in time."""
    failure = broken(route, error.message)
    if error.kind != "timeout":
        return failure
    return Failure(Refused.VENDOR_SLOW, failure.message, next_route=True)


def resting(route: Route, seconds: float) -> Failure:
    """The vendor keeps failing; it is not asked for a while."""
    message = f"the vendor of model '{route.name}' keeps failing and is not asked for a while"
    return Failure(Refused.VENDOR_BUSY, message, None, ceil(seconds), next_route=True)


def crowded(route: Route, *, agent: bool) -> Failure:
    """Too many requests are under way."""
    if agent:
        message = "this agent has as many requests under way as it may have"
        return Failure(Refused.AGENT_BUSY, message, None, _BUSY_RETRY_SECONDS)
    message = f"model '{route.name}' has as many requests under way as it may have"
    return Failure(Refused.AGENT_BUSY, message, None, _BUSY_RETRY_SECONDS, next_route=True)


def turned_away(route: Route, turned: Turned, seconds_to_midnight: int) -> Failure:
    """There is no budget for the request."""
    kind, _ = split_subject(turned.subject)
    whose = f"model '{route.name}'" if kind == "model" else "this agent"
    if turned.refusal is Refusal.SPENT:
        message = f"the daily token budget of {whose} is spent; it starts anew at 00:00 UTC"
        if turned.counted is not None:
            message += f" (its vendor counts {turned.counted} tokens of input in this request)"
        of_model = kind == "model"
        return Failure(
            Refused.BUDGET_SPENT, message, None, seconds_to_midnight, next_route=of_model
        )
    if turned.refusal is Refusal.BUSY:
        message = f"running requests hold what is left of the daily token budget of {whose}"
        return Failure(Refused.BUDGET_BUSY, message, None, _BUSY_RETRY_SECONDS)
    if turned.refusal is Refusal.UNCOUNTED:
        message = (
            f"the request does not fit into the daily token budget of {whose} unless its input is"
            " counted, and too many are being counted now"
        )
        return Failure(Refused.BUDGET_BUSY, message, None, _BUSY_RETRY_SECONDS)
    message = "the token budget can't be checked now: the control process is out of reach"
    return Failure(Refused.BUDGET_UNAVAILABLE, message, None, _BUSY_RETRY_SECONDS)


def refused_by_vendor(
    route: Route, status: int, headers: Headers, passed: Passed | None, text: str
) -> Failure:
    """The vendor says no, for good.

    passed: its own words, for a client of its dialect. text: its message, for any other.
    """
    name = route.name
    if status in _BAD_CREDENTIAL:
        message = f"the vendor of model '{name}' does not accept the platform's credential"
        return Failure(Refused.VENDOR_REFUSES_KEY, message, next_route=True)
    if status < 400:
        return broken(route, "it answered with a redirect, which is never followed")
    message = f"the vendor of model '{name}' answered {status}" + (f": {text}" if text else "")
    if status >= 500:
        why = Refused.VENDOR_BUSY if status in _BUSY_STATUS else Refused.VENDOR_BROKEN
        return Failure(why, message, next_route=True)
    if status == 429:
        return Failure(
            Refused.VENDOR_LIMITED, message, None, _seconds(headers), next_route=True, passed=passed
        )
    why = Refused.TOO_LARGE if status == 413 else Refused.VENDOR_REFUSES
    return Failure(why, message, passed=passed)


def _seconds(headers: Headers) -> int | None:
    stated = first(headers, b"retry-after") or b""
    return int(stated) if stated.isdigit() and len(stated) < 7 else None
